import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { UnavailableError } from "../../../src/errors.ts";
import { Store } from "../../../src/platform/store/database.ts";
import { silentLog } from "../../support/silent-log.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

function open(context: TestContext, dataDir: string): Store {
  const store = new Store({ dataDir, databaseUrl: undefined, log: silentLog });
  context.after(() => store.close());
  return store;
}

test("nothing is opened before somebody asks, and what was written is there the next time", async (context) => {
  const directory = await temporaryDirectory(context);
  const first = open(context, directory);
  assert.deepEqual(first.status, { kind: "pglite", state: "closed" });
  const opening = first.database();
  assert.equal(first.status.state, "opening");
  await (await opening).query("CREATE TABLE kept AS SELECT 7 AS n");
  assert.equal(first.status.state, "open");
  await first.close();
  assert.equal(first.status.state, "closed");
  const second = open(context, directory);
  assert.deepEqual(await (await second.database()).query("SELECT n FROM kept"), [{ n: 7 }]);
});

test("a second owner of the data directory is refused, by name, until the first lets go", async (context) => {
  const directory = await temporaryDirectory(context);
  const first = open(context, directory);
  await first.database();
  const second = open(context, directory);
  await assert.rejects(second.database(), (error: unknown) => {
    assert.ok(error instanceof UnavailableError);
    assert.equal(error.reason, "store_unavailable");
    assert.match(error.message, new RegExp(`in use by the process with pid ${process.pid}\\b`));
    return true;
  });
  assert.equal(second.status.state, "failed");
  await first.close();
  await second.database();
  assert.deepEqual(second.status, { kind: "pglite", state: "open" });
});

test("a disk without room refuses what writes and says so, and what is there can be read", async (context) => {
  let free = Number.POSITIVE_INFINITY;
  const options = { databaseUrl: undefined, log: silentLog, freeBytes: async () => free };
  const isFull = (error: unknown) =>
    error instanceof UnavailableError &&
    error.reason === "store_unavailable" &&
    /The disk of the data directory is full: 1 MiB are free/.test(error.message);
  const store = new Store({ ...options, dataDir: await temporaryDirectory(context) });
  context.after(() => store.close());
  const database = await store.database();
  await database.query("CREATE TABLE kept AS SELECT 7 AS n");
  free = 2 ** 20;
  await assert.rejects(database.query("INSERT INTO kept VALUES (8)"), isFull);
  await assert.rejects(
    database.transaction((queries) => queries.query("DELETE FROM kept")),
    isFull,
  );
  assert.deepEqual(await database.query("SELECT n FROM kept"), [{ n: 7 }]);
  const empty = new Store({ ...options, dataDir: await temporaryDirectory(context) });
  await assert.rejects(empty.database(), isFull);
  assert.equal(empty.status.state, "failed");
  free = Number.POSITIVE_INFINITY;
  await database.query("INSERT INTO kept VALUES (8)");
  assert.deepEqual(await database.query("SELECT n FROM kept ORDER BY n"), [{ n: 7 }, { n: 8 }]);
});
