import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { systemCodeOf } from "../errors.ts";
import type { HubFile } from "./client.ts";
import { folderOf, namesInCache, type RepositoryName } from "./repository.ts";

/** One commit of a repository as far as it is on disk. */
export interface Snapshot {
  readonly repository: RepositoryName;
  readonly commit: string;
  readonly directory: string;
}

/**
 * Hugging Face's cache (`HF_HOME/hub`), shared with its Python tools: `blobs/` holds contents by checksum,
 * `snapshots/COMMIT/` links file names to them, `refs/main` names the commit that was current when last asked.
 */
export class HubCache {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The snapshot that `revision` last stood for, under any name the repository has gone by. */
  snapshot(repository: RepositoryName, revision: string): Snapshot | undefined {
    for (const name of namesInCache(repository)) {
      const commit = this.#commitOf(name, revision);
      const directory = commit === undefined ? undefined : this.snapshotDirectory(name, commit);
      if (commit !== undefined && directory !== undefined && existsSync(directory)) {
        return { repository: name, commit, directory };
      }
    }
    return undefined;
  }

  snapshotDirectory(repository: RepositoryName, commit: string): string {
    return join(this.directory, folderOf(repository), "snapshots", commit);
  }

  blobPath(repository: RepositoryName, file: HubFile): string {
    return join(this.directory, folderOf(repository), "blobs", file.checksum.hex);
  }

  lockPath(repository: RepositoryName): string {
    return join(this.directory, ".locks", folderOf(repository), "llm-server.lock");
  }

  /** Files of a snapshot whose contents are there, by their names in the repository. */
  filesIn(snapshot: Snapshot): readonly string[] {
    return readdirSync(snapshot.directory, { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => statSync(join(snapshot.directory, path), { throwIfNoEntry: false })?.isFile());
  }

  hasFile(repository: RepositoryName, commit: string, file: HubFile): boolean {
    const path = join(this.snapshotDirectory(repository, commit), file.path);
    return statSync(path, { throwIfNoEntry: false })?.size === file.size;
  }

  hasBlob(repository: RepositoryName, file: HubFile): boolean {
    return statSync(this.blobPath(repository, file), { throwIfNoEntry: false })?.size === file.size;
  }

  /** Gives a blob its name in a snapshot. */
  async link(repository: RepositoryName, commit: string, file: HubFile): Promise<void> {
    const path = join(this.snapshotDirectory(repository, commit), file.path);
    const blob = this.blobPath(repository, file);
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    try {
      await symlink(relative(dirname(path), blob), path);
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return;
      // Windows without the right to make links: a copy under a temporary name first, because it must appear whole.
      const partial = `${path}.${process.pid}.partial`;
      await copyFile(blob, partial);
      await rename(partial, path);
    }
  }

  /** Remembers which commit a branch stood at. */
  async writeReference(repository: RepositoryName, revision: string, commit: string): Promise<void> {
    const path = this.#referencePath(repository, revision);
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    await writeFile(partial, commit);
    await rename(partial, path);
  }

  #referencePath(repository: RepositoryName, revision: string): string {
    return join(this.directory, folderOf(repository), "refs", revision);
  }

  #commitOf(repository: RepositoryName, revision: string): string | undefined {
    try {
      const commit = readFileSync(this.#referencePath(repository, revision), "utf8").trim();
      return /^[0-9a-f]{40}$/.test(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }
}
