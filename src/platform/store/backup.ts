import { existsSync } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataDirectoryLock } from "./data-directory.ts";
import { storeUnavailable } from "./errors.ts";
import { flush } from "./flush.ts";
import { migrate, readMigrations } from "./migrations.ts";
import { createPglite, databaseDirectory, openPglite } from "./pglite/open.ts";
import type { Connection } from "./queries.ts";

/**
 * Writes a compressed copy of the embedded database to `file`, which is there whole or not at all.
 * @returns its bytes
 * @throws UnavailableError when a server uses the directory, or there is nothing in it
 */
export async function writeBackup(dataDir: string, file: string): Promise<number> {
  const directory = databaseDirectory(dataDir);
  if (!existsSync(directory)) throw storeUnavailable(`There is no database in ${dataDir}.`);
  using _lock = DataDirectoryLock.take(dataDir);
  const partial = `${file}.partial`;
  // First of all: a place that can't be written costs no time.
  await writeFile(partial, "").catch((error: Error) => {
    throw storeUnavailable(`The backup can't be written: ${error.message}`, error);
  });
  try {
    await dump(directory, partial);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await flush(partial);
  await rename(partial, file);
  await flush(dirname(file));
  return (await stat(file)).size;
}

/**
 * Makes the embedded database of a backup, once that is found to be whole. A database that was there is kept beside it.
 * @returns where the earlier database is now, if there was one
 * @throws Error when a server uses the directory or the backup is damaged; then nothing has changed
 */
export async function restoreBackup(dataDir: string, file: string, now: Date): Promise<string | undefined> {
  if (!existsSync(file)) throw storeUnavailable(`There is no file ${file}.`);
  using _lock = DataDirectoryLock.take(dataDir);
  const directory = databaseDirectory(dataDir);
  const restored = join(dataDir, "restored");
  await rm(restored, { recursive: true, force: true });
  try {
    await createPglite(restored, file);
    await verify(restored);
  } catch (error) {
    await rm(restored, { recursive: true, force: true });
    throw storeUnavailable(
      `${file} is not a backup that can be restored: ${(error as Error).message}`,
      error,
    );
  }
  const earlier = existsSync(directory)
    ? `${directory}.before-${now.toISOString().replaceAll(/[-:]|\..*/g, "")}`
    : undefined;
  if (earlier !== undefined) await rename(directory, earlier);
  await rename(restored, directory);
  return earlier;
}

async function dump(directory: string, file: string): Promise<void> {
  const database = await openPglite(directory);
  try {
    await database.dump(file);
  } finally {
    await database.close();
  }
}

/** Opens the database as a server would, and counts what it should hold. */
async function verify(directory: string): Promise<void> {
  const database = await openPglite(directory);
  try {
    await migrate(database, readMigrations());
    await checkDatasets(database);
  } finally {
    await database.close();
  }
}

async function checkDatasets(database: Connection): Promise<void> {
  const incomplete = await database.query<{ id: string }>(
    `SELECT dataset_id AS id FROM datasets WHERE status = 'ready' AND record_count <>
       (SELECT count(*) FROM dataset_records WHERE dataset_records.dataset_id = datasets.dataset_id)`,
  );
  if (incomplete.length > 0)
    throw new Error(`records of ${incomplete.map(({ id }) => id).join(", ")} are missing`);
}
