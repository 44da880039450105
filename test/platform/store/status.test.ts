import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { UnavailableError } from "../../../src/errors.ts";
import { Store } from "../../../src/platform/store/database.ts";
import { databaseKinds } from "../../support/databases.ts";
import { until } from "../../support/server.ts";
import { silentLog } from "../../support/silent-log.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const SOCKET_NAME = ".s.PGSQL.5432";
const postgres = databaseKinds.find(({ name }) => name === "a Postgres server");

/** A way to the database at `to` that can be cut. */
async function startRoad(to: string, from: string) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(from);
  await once(server, "listening");
  return {
    cut: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

test("a database that goes away while it is idle is seen to be away, and to be back", {
  skip: postgres?.skip ?? "there is no Postgres among the databases",
}, async (t) => {
  assert.ok(postgres);
  await using database = await postgres.start();
  const real = new URL(database.url ?? "").searchParams.get("host") ?? "";
  const directory = await temporaryDirectory(t);
  const messages: string[] = [];
  const note = (message: string) => messages.push(message);
  const open = () => startRoad(join(real, SOCKET_NAME), join(directory, SOCKET_NAME));
  let road = await open();
  const store = new Store({
    dataDir: directory,
    databaseUrl: `postgres://test@localhost/postgres?host=${directory}`,
    checkEveryMs: 20,
    log: { info: note, warn: note, error: note },
  });
  await store.database();
  assert.deepEqual(store.status, { kind: "postgres", state: "open" });

  await road.cut();
  await until(() => store.status.state === "failed");
  assert.match(store.status.message ?? "", /^The (connection to the )?database /);
  await assert.rejects(
    store.database().then((queries) => queries.transaction(async () => undefined)),
    (error: unknown) => error instanceof UnavailableError && error.reason === "store_unavailable",
  );
  road = await open();
  await until(() => store.status.state === "open");
  assert.deepEqual(store.status, { kind: "postgres", state: "open" });
  assert.equal(messages.filter((message) => message.startsWith("the store does not answer")).length, 1);
  assert.equal(messages.filter((message) => message === "the store answers again").length, 1);
  await store.close();
  await road.cut();
});

test("a connection that is lost between two statements of a transaction fails that transaction, and no more", {
  skip: postgres?.skip ?? "there is no Postgres among the databases",
}, async (t) => {
  assert.ok(postgres);
  await using database = await postgres.start();
  const real = new URL(database.url ?? "").searchParams.get("host") ?? "";
  const directory = await temporaryDirectory(t);
  const open = () => startRoad(join(real, SOCKET_NAME), join(directory, SOCKET_NAME));
  let road = await open();
  const store = new Store({
    dataDir: directory,
    databaseUrl: `postgres://test@localhost/postgres?host=${directory}`,
    checkEveryMs: 20,
    log: silentLog,
  });
  const queries = await store.database();
  const cut = queries.transaction(async (session) => {
    await session.query("SELECT 1");
    await road.cut();
    await until(() => store.status.state === "failed");
    await session.query("SELECT 2");
  });
  await assert.rejects(cut, UnavailableError);
  road = await open();
  await until(() => store.status.state === "open");
  assert.deepEqual(await queries.transaction((session) => session.query("SELECT 1 AS one")), [{ one: 1 }]);
  await store.close();
  await road.cut();
});
