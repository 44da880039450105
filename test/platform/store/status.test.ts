import assert from "node:assert/strict";
import { test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { UnavailableError } from "../../../src/errors.ts";
import { Store } from "../../../src/platform/store/database.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("a database that dies unasked is seen to be away, and to be back", async (t) => {
  const db = await PGlite.create();
  t.after(() => db.close());
  const port = await freePort();
  const serve = async () => {
    const server = new PGLiteSocketServer({ db, port, host: "127.0.0.1", maxConnections: 20 });
    await server.start();
    return server;
  };
  let server = await serve();
  t.after(() => server.stop());

  const messages: string[] = [];
  const note = (message: string) => messages.push(message);
  const store = new Store({
    dataDir: await temporaryDirectory(t),
    databaseUrl: `postgres://postgres@127.0.0.1:${port}/postgres`,
    poolSize: 1,
    checkEveryMs: 20,
    log: { info: note, warn: note, error: note },
  });
  t.after(() => store.close());
  await store.database();
  assert.deepEqual(store.status, { kind: "postgres", state: "open" });

  await server.stop();
  await until(() => store.status.state === "failed");
  assert.match(store.status.message ?? "", /^The (connection to the )?database /);
  await assert.rejects(
    store.database().then((database) => database.transaction(async () => undefined)),
    (error: unknown) => error instanceof UnavailableError && error.reason === "store_unavailable",
  );
  server = await serve();
  await until(() => store.status.state === "open");
  assert.deepEqual(store.status, { kind: "postgres", state: "open" });
  assert.equal(messages.filter((message) => message.startsWith("the store does not answer")).length, 1);
  assert.equal(messages.filter((message) => message === "the store answers again").length, 1);
});
