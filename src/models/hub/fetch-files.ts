import { statSync } from "node:fs";
import { requireFreeSpace } from "../disk-space.ts";
import type { ProgressListener } from "../progress.ts";
import type { HubCache } from "./cache.ts";
import type { HubClient, HubFile, Revision } from "./client.ts";
import { type DownloadOptions, downloadFile, partialPathOf } from "./download.ts";

export interface FetchOptions extends Omit<DownloadOptions, "onProgress"> {
  readonly onProgress?: ProgressListener | undefined;
  /** Space that will be needed once the files are there; a lack of it is reported before the download. */
  readonly reserveBytes?: number | undefined;
}

const parallelFiles = 4;

/**
 * Brings files of a repository into the cache, a few at a time, each checked and placed whole. What is there stays.
 * @throws ModelError `disk_full` before the first byte where they can't all fit
 */
export async function fetchFiles(
  client: HubClient,
  cache: HubCache,
  revision: Revision,
  files: readonly HubFile[],
  options: FetchOptions = {},
): Promise<void> {
  const { repository, commit } = revision;
  const missing = files.filter((file) => !cache.hasFile(repository, commit, file));
  const bytesTotal = missing.reduce((sum, file) => sum + file.size, 0);
  const needed = missing.reduce((sum, file) => sum + bytesToWrite(cache, revision, file), 0);
  await requireFreeSpace(
    cache.blobPath(repository, missing[0] ?? noFile),
    needed,
    `to download ${repository}`,
  );
  // One file that fails ends the others: what they have stays for the next try.
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const done = new Map<string, number>();
  const waiting = missing.values();
  const fetchNext = async () => {
    for (const file of waiting) {
      if (!cache.hasBlob(repository, file)) {
        await downloadFile(client, revision, file, cache.blobPath(repository, file), {
          ...options,
          signal,
          onProgress: (bytes, phase) => {
            done.set(file.path, bytes);
            const bytesDone = done.values().reduce((sum, value) => sum + value, 0);
            options.onProgress?.({ phase, file: file.path, bytesDone, bytesTotal });
          },
        });
      }
      done.set(file.path, file.size);
      await cache.link(repository, commit, file);
    }
  };
  const lanes = Array.from({ length: parallelFiles }, () =>
    fetchNext().catch((error: unknown) => {
      if (!stop.signal.aborted) stop.abort(error);
    }),
  );
  await Promise.all(lanes);
  if (stop.signal.aborted) throw stop.signal.reason;
}

const noFile: HubFile = { path: "", size: 0, checksum: { algorithm: "sha256", hex: "" } };

/** Blocks that an unfinished download already takes are not needed a second time. */
function bytesToWrite(cache: HubCache, { repository }: Revision, file: HubFile): number {
  if (cache.hasBlob(repository, file)) return 0;
  const partial = statSync(partialPathOf(cache.blobPath(repository, file)), { throwIfNoEntry: false });
  return Math.max(0, file.size - (partial ? partial.blocks * 512 : 0));
}
