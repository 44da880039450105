import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PgliteDatabase } from "./database.ts";
import { PgliteWorker } from "./worker.ts";

/** Where the database's files are in a data directory. */
export function databaseDirectory(dataDir: string): string {
  return join(dataDir, "postgres");
}

/**
 * Opens the database in `directory`, which is made when it is not there: beside it first, and then moved into place,
 * so that a process killed half-way leaves nothing that can't be opened.
 */
export async function openPglite(directory: string, onEnd?: () => void): Promise<PgliteDatabase> {
  if (!existsSync(directory)) await createPglite(directory, undefined);
  return new PgliteDatabase(await PgliteWorker.open({ directory, backup: undefined }, onEnd));
}

/** Makes a database in `directory`, empty or out of a backup. */
export async function createPglite(directory: string, backup: string | undefined): Promise<void> {
  const unfinished = `${directory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    await new PgliteDatabase(await PgliteWorker.open({ directory: unfinished, backup })).close();
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}
