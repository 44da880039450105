import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Store } from "../../../src/platform/store/database.ts";
import { run } from "../../support/run.ts";
import { silentLog } from "../../support/silent-log.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function withStore<T>(dataDir: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = new Store({ dataDir, databaseUrl: undefined, log: silentLog });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const writeNote = (dataDir: string, text: string) =>
  withStore(dataDir, async (store) => {
    const database = await store.database();
    await database.query("CREATE TABLE IF NOT EXISTS note (text text)");
    await database.query("DELETE FROM note");
    await database.query("INSERT INTO note VALUES ($1)", [text]);
  });

test("backup and restore", async (context) => {
  const directory = await temporaryDirectory(context);
  const dataDir = join(directory, "data");
  const file = join(directory, "backup.tar.gz");
  const command = (name: string) => run(directory, { DATA_DIR: dataDir }, [name, file]);
  await writeNote(dataDir, "then");
  const made = await command("backup");
  assert.equal(made.exitCode, 0, made.output);
  await writeNote(dataDir, "now");

  await context.test("a damaged backup is refused, and the database stays as it was", async () => {
    const whole = await readFile(file);
    for (const damaged of [whole.subarray(0, whole.length / 2), Buffer.from("not a backup")]) {
      await writeFile(file, damaged);
      const { exitCode, output } = await command("restore");
      assert.equal(exitCode, 1, output);
      assert.match(output, /is not a backup that can be restored: \w/);
    }
    assert.deepEqual((await readdir(dataDir)).sort(), ["owner.lock", "owner.pid", "postgres"]);
    await writeFile(file, whole);
  });

  await context.test("a backup that can't be written says why, as a sentence", async () => {
    const { exitCode, output } = await run(directory, { DATA_DIR: dataDir }, [
      "backup",
      join(file, "no-directory"),
    ]);
    assert.equal(exitCode, 1, output);
    assert.match(output, /^The backup can't be written: ENOTDIR[^\n]*\n?$/);
  });

  await context.test("a directory that a server owns is touched by neither", async () => {
    const before = await readFile(file);
    await withStore(dataDir, async (store) => {
      const note = (await store.database()).query("SELECT text FROM note");
      assert.deepEqual(await note, [{ text: "now" }]);
      const backup = run(directory, { DATA_DIR: dataDir }, ["backup", join(directory, "second.tar.gz")]);
      for (const { exitCode, output } of [await backup, await command("restore")]) {
        assert.equal(exitCode, 1, output);
        assert.match(output, new RegExp(`in use by the process with pid ${process.pid}\\b`));
      }
    });
    assert.deepEqual(await readFile(file), before);
    assert.deepEqual((await readdir(directory)).sort(), ["backup.tar.gz", "data"]);
  });

  await context.test("restoring brings back what was there, and keeps what it replaces", async () => {
    const { exitCode, output } = await command("restore");
    assert.equal(exitCode, 0, output);
    assert.match(output, /the database that was there is now in .*postgres\.before-\d{8}T\d{6}/);
    assert.equal((await readdir(dataDir)).filter((name) => name.startsWith("postgres.before-")).length, 1);
    await withStore(dataDir, async (store) => {
      const note = (await store.database()).query("SELECT text FROM note");
      assert.deepEqual(await note, [{ text: "then" }]);
    });
  });
});

test("a Postgres server is backed up with its own tools", async (context) => {
  const directory = await temporaryDirectory(context);
  const env = { DATABASE_URL: "postgres://localhost/none" };
  const { exitCode, output } = await run(directory, env, ["backup", "x"]);
  assert.equal(exitCode, 1);
  assert.match(output, /pg_dump/);
});
