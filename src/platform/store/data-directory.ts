import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storeUnavailable } from "./errors.ts";

const SQLITE_BUSY = 5;

/**
 * The right to use a data directory, which one process has at a time. It is an exclusive transaction on an empty
 * SQLite file: the operating system's own file lock, which is gone with its holder however that one ended, on every
 * platform that Node runs on.
 */
export class DataDirectoryLock implements Disposable {
  readonly #file: DatabaseSync;

  private constructor(file: DatabaseSync) {
    this.#file = file;
  }

  /** @throws UnavailableError that names the holder, or says why the directory can't be written */
  static take(directory: string): DataDirectoryLock {
    const ownerFile = join(directory, "owner.pid");
    let file: DatabaseSync | undefined;
    try {
      mkdirSync(directory, { recursive: true });
      file = new DatabaseSync(join(directory, "owner.lock"), { timeout: 0 });
      file.exec("BEGIN EXCLUSIVE");
      writeFileSync(ownerFile, `${process.pid}\n`);
      return new DataDirectoryLock(file);
    } catch (error) {
      file?.close();
      const { message, errcode } = error as Error & { errcode?: number };
      throw storeUnavailable(
        errcode === SQLITE_BUSY
          ? `The data directory ${directory} is in use by ${holder(ownerFile)}. Stop that one, or set DATA_DIR to another directory.`
          : `The data directory ${directory} can't be written: ${message}.`,
        error,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The lock says that it is held; this file, written by its last holder, says by which process. */
function holder(ownerFile: string): string {
  try {
    return `the process with pid ${readFileSync(ownerFile, "utf8").trim()}`;
  } catch {
    return "another process";
  }
}
