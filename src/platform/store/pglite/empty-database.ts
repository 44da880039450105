import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flush } from "../flush.ts";

/** Files that are copied at the same time. */
const CONCURRENCY = 16;

const packages = fileURLToPath(new URL("../../../../node_modules/", import.meta.url));

/**
 * The empty database that this release of PGlite makes, kept beside the installed packages: making one takes several
 * seconds of processor time, copying its 39 MB a fraction of one.
 */
export class EmptyDatabase {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  static async ofInstalledRelease(): Promise<EmptyDatabase> {
    const manifest = await readFile(join(packages, "@electric-sql/pglite/package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { readonly version: string };
    return new EmptyDatabase(join(packages, ".cache/llm-server", `empty-database-${version}`));
  }

  get exists(): boolean {
    return existsSync(this.#directory);
  }

  /** @throws what the file system says; what was copied before that is left in `directory` */
  async copyTo(directory: string): Promise<void> {
    await copyDirectory(this.#directory, directory);
  }

  /**
   * Keeps a copy of `directory`, a closed and empty database. Where packages may not be written to, the disk is full or
   * another process kept its own first, nothing is kept: the next database takes longer to make, and that is all.
   */
  async keep(directory: string): Promise<void> {
    const unfinished = `${this.#directory}.${process.pid}`;
    const isMade = await succeeds(mkdir(unfinished, { recursive: true }));
    if (!isMade) return;
    const isKept =
      (await succeeds(copyDirectory(directory, unfinished))) &&
      (await succeeds(rename(unfinished, this.#directory)));
    if (!isKept) await rm(unfinished, { recursive: true, force: true });
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** Copies files and folders. When it resolves they are on the disk, as Postgres expects of its files after a crash. */
async function copyDirectory(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const pathOf = (entry: (typeof entries)[number]) =>
    join(to, entry.parentPath.slice(from.length), entry.name);
  await mkdir(to, { recursive: true });
  for (const entry of entries) if (entry.isDirectory()) await mkdir(pathOf(entry), { recursive: true });
  const files = entries.filter((entry) => entry.isFile()).values();
  const copyFiles = async () => {
    for (const file of files) {
      await copyFile(join(file.parentPath, file.name), pathOf(file));
      await flush(pathOf(file));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, copyFiles));
}
