import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { PgliteDatabase } from "./database.ts";
import { PgliteWorker } from "./worker.ts";

/**
 * Opens the database in `directory`, which is made when it is not there: beside it first, and then moved into place,
 * so that a process killed half-way leaves nothing that can't be opened.
 */
export async function openPglite(directory: string, onEnd: () => void): Promise<PgliteDatabase> {
  if (!existsSync(directory)) await createPglite(directory, undefined);
  return new PgliteDatabase(await PgliteWorker.open({ directory, backup: undefined }, onEnd));
}

/** Makes a database in `directory`, empty or out of a backup. */
export async function createPglite(directory: string, backup: string | undefined): Promise<void> {
  const unfinished = `${directory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await new PgliteDatabase(await PgliteWorker.open({ directory: unfinished, backup })).close();
  await rename(unfinished, directory);
}
