import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { type Database, Store } from "../../../src/platform/store/database.ts";
import { QueryError } from "../../../src/platform/store/errors.ts";
import { databaseKinds, type TestDatabase } from "../../support/databases.ts";
import { silentLog } from "../../support/silent-log.ts";

for (const { name, skip, poolSize, start } of databaseKinds) {
  suite(`the store on ${name}`, { skip }, () => {
    let directory: string;
    let server: TestDatabase;
    let store: Store;
    let database: Database;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
      server = await start();
      store = new Store({ dataDir: directory, databaseUrl: server.url, poolSize, log: silentLog });
      database = await store.database();
    });
    beforeEach(async () => {
      await database.query("DROP TABLE IF EXISTS t");
      await database.query("CREATE TABLE t (n int)");
    });
    after(async () => {
      await store.close();
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    test("a transaction that throws leaves nothing, and one that returns keeps everything", async () => {
      const failure = new Error("no");
      await assert.rejects(
        database.transaction(async (queries) => {
          await queries.query("INSERT INTO t VALUES (1)");
          throw failure;
        }),
        failure,
      );
      await database.transaction((queries) => queries.query("INSERT INTO t VALUES (2)"));
      assert.deepEqual(await database.query("SELECT n FROM t"), [{ n: 2 }]);
    });

    test("a query made beside a transaction does not slip inside it", async () => {
      const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const transaction = database.transaction(async (queries) => {
        await queries.query("INSERT INTO t VALUES (1)");
        reach();
        await released;
        throw new Error("rolled back");
      });
      await reached;
      const beside = database.query("INSERT INTO t VALUES (2)");
      release();
      await assert.rejects(transaction, /rolled back/);
      await beside;
      assert.deepEqual(await database.query("SELECT n FROM t"), [{ n: 2 }]);
    });

    test("using the database inside its own transaction is refused and not waited for", async () => {
      await assert.rejects(
        database.transaction(() => database.query("SELECT 1")),
        /use the queries that it hands you/,
      );
    });

    test("a statement that Postgres refuses says why, and what is asked next works", async () => {
      await assert.rejects(database.query("SELECT 1/0"), (error: unknown) => {
        assert.ok(error instanceof QueryError);
        assert.equal(error.sqlState, "22012");
        return true;
      });
      assert.deepEqual(await database.query("SELECT 1 AS n"), [{ n: 1 }]);
    });

    test("a queue's script that fails half-way leaves no transaction behind", async () => {
      const queue = await store.queueConnection();
      await assert.rejects(queue.executeSql("BEGIN; SELECT 1/0; COMMIT"), QueryError);
      assert.deepEqual(await queue.executeSql("BEGIN; SELECT 1 AS n; COMMIT"), { rows: [{ n: 1 }] });
    });

    test("the same types come back from every Postgres", async () => {
      const [row] = await database.query(
        "SELECT 5000000000::bigint AS big, ARRAY[1, 2] AS list, '{\"a\": [1]}'::jsonb AS json, now() AS time, $1::text AS text",
        ["a'b"],
      );
      const { time, ...rest } = row as { time: unknown };
      assert.ok(time instanceof Date);
      assert.deepEqual(rest, { big: 5e9, list: [1, 2], json: { a: [1] }, text: "a'b" });
    });

    test("opening again finds the migrations applied", async () => {
      const again = new Store({ dataDir: directory, databaseUrl: server.url, poolSize, log: silentLog });
      if (server.url === undefined) await store.close();
      const rows = await (await again.database()).query(
        "SELECT name FROM schema_migrations WHERE name = '0001-datasets'",
      );
      assert.equal(rows.length, 1);
      await again.close();
    });
  });
}
