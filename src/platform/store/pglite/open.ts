import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PgliteDatabase } from "./database.ts";
import { DiskRoom, type FreeBytes, freeBytesOf } from "./disk-room.ts";
import { EmptyDatabase } from "./empty-database.ts";
import type { PgliteThreadData } from "./protocol.ts";
import { PgliteWorker } from "./worker.ts";

/** Where the database's files are in a data directory. */
export function databaseDirectory(dataDir: string): string {
  return join(dataDir, "postgres");
}

/**
 * Opens the database in `directory`, which is made when it is not there: beside it first, and then moved into place. A
 * process killed half-way leaves nothing that can't be opened.
 */
export async function openPglite(
  directory: string,
  { onEnd, freeBytes = freeBytesOf }: { readonly onEnd?: () => void; readonly freeBytes?: FreeBytes } = {},
): Promise<PgliteDatabase> {
  if (!existsSync(directory)) await createPglite(directory, undefined, freeBytes);
  return open({ directory, backup: undefined }, freeBytes, onEnd);
}

/** Makes a database in `directory`, empty or out of a backup. */
export async function createPglite(
  directory: string,
  backup: string | undefined,
  freeBytes: FreeBytes = freeBytesOf,
): Promise<void> {
  const unfinished = `${directory}.new`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    if (backup === undefined) await createEmpty(unfinished, freeBytes);
    else await (await open({ directory: unfinished, backup }, freeBytes)).close();
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function createEmpty(directory: string, freeBytes: FreeBytes): Promise<void> {
  const kept = await EmptyDatabase.ofInstalledRelease();
  if (kept.exists) {
    await new DiskRoom(dirname(directory), freeBytes).require();
    return kept.copyTo(directory);
  }
  await (await open({ directory, backup: undefined }, freeBytes)).close();
  await kept.keep(directory);
}

/** Opening writes too: what a crash left in the log is carried out. */
async function open(
  data: PgliteThreadData,
  freeBytes: FreeBytes,
  onEnd?: () => void,
): Promise<PgliteDatabase> {
  const disk = new DiskRoom(dirname(data.directory), freeBytes);
  await disk.require();
  return new PgliteDatabase(await PgliteWorker.open(data, onEnd), disk);
}
