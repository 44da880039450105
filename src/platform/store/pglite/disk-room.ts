import { statfs } from "node:fs/promises";
import { storeUnavailable } from "../errors.ts";

/**
 * What must be free before the database is asked to write. Postgres takes its log from the disk in files of 16 MiB, and
 * PGlite 0.5 computes for ever, instead of failing, in a statement that finds no room for the next one.
 */
const RESERVED_BYTES = 64 * 1024 * 1024;

/** Bytes that can still be written where `directory` is; infinite where the file system does not tell. */
export type FreeBytes = (directory: string) => Promise<number>;

export const freeBytesOf: FreeBytes = async (directory) => {
  const { bavail, blocks, bsize } = await statfs(directory);
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
};

/** The room that the disk of a database has. */
export class DiskRoom {
  readonly #directory: string;
  readonly #freeBytes: FreeBytes;

  /** `directory` is one that exists. */
  constructor(directory: string, freeBytes: FreeBytes) {
    this.#directory = directory;
    this.#freeBytes = freeBytes;
  }

  /** @throws UnavailableError that says how much is needed, when that is not there */
  async require(): Promise<void> {
    const free = await this.#freeBytes(this.#directory);
    if (free >= RESERVED_BYTES) return;
    const inMiB = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
    throw storeUnavailable(
      `The disk of the data directory is full: ${inMiB(free)} are free, and the store needs ${inMiB(RESERVED_BYTES)} to write.`,
    );
  }
}
