import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EmptyDatabase } from "../../../src/platform/store/pglite/empty-database.ts";

describe("the empty database that is kept", () => {
  let directory: string;
  let made: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "empty-database-"));
    made = join(directory, "made");
    await mkdir(join(made, "base/1"), { recursive: true });
    await mkdir(join(made, "pg_wal"));
    await writeFile(join(made, "PG_VERSION"), "18\n");
    await writeFile(join(made, "base/1/112"), Buffer.alloc(8192, 7));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test("is copied with its empty folders", async () => {
    const kept = new EmptyDatabase(join(directory, "cache/kept"));
    assert.equal(kept.exists, false);
    await kept.keep(made);
    assert.equal(kept.exists, true);
    const copy = join(directory, "copy");
    await kept.copyTo(copy);
    assert.deepEqual(
      (await readdir(copy, { recursive: true })).sort(),
      (await readdir(made, { recursive: true })).sort(),
    );
    assert.deepEqual(await readFile(join(copy, "base/1/112")), Buffer.alloc(8192, 7));
  });

  test("is the first one that was kept", async () => {
    const kept = new EmptyDatabase(join(directory, "twice/kept"));
    await kept.keep(made);
    await kept.keep(made);
    assert.deepEqual(await readdir(join(directory, "twice")), ["kept"]);
  });

  test("is not needed: where nothing can be written there is none", async () => {
    const file = join(directory, "a-file");
    await writeFile(file, "");
    const kept = new EmptyDatabase(join(file, "kept"));
    await kept.keep(made);
    assert.equal(kept.exists, false);
  });
});
