import { mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ModelError, messageOf, systemCodeOf } from "../errors.ts";
import { matchesChecksum } from "./checksum.ts";
import type { HubClient, HubFile, Revision } from "./client.ts";
import { networkFailure } from "./failures.ts";
import { defaultPartBytes, type Part, PartRecord } from "./parts.ts";

export interface DownloadOptions {
  /** Bytes of this file on disk. */
  readonly onProgress?: ((bytesDone: number, phase: "downloading" | "verifying") => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly partBytes?: number | undefined;
  /** Connections for this file. */
  readonly connections?: number | undefined;
  /** Before the second try; doubles from try to try. */
  readonly retryDelayMs?: number | undefined;
  /** A connection that brings no byte for so long is given up and opened again. */
  readonly stallTimeoutMs?: number | undefined;
}

const defaults = { connections: 4, retryDelayMs: 500, stallTimeoutMs: 30_000 } as const;
/** Tries without a single new byte before a part is given up. */
const maxFruitlessTries = 5;

/** The file that holds what has arrived so far. Python's tools have a suffix and a format of their own. */
export function partialPathOf(target: string): string {
  return `${target}.llm-server-partial`;
}

/**
 * Downloads one file in parts over several connections, resuming where an earlier try stopped, and places it at
 * `target` only when its checksum is right. Wrong bytes are fetched again once.
 * @throws ModelError `checksum_mismatch`, `hub_unreachable`, `disk_full`, `cancelled`, …
 */
export async function downloadFile(
  client: HubClient,
  revision: Revision,
  file: HubFile,
  target: string,
  options: DownloadOptions = {},
): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const partial = partialPathOf(target);
  for (let attempt = 1; ; attempt++) {
    const record = PartRecord.open(
      `${partial}.parts`,
      partial,
      file.size,
      options.partBytes ?? defaultPartBytes,
    );
    await fetchParts({ client, revision, file, record, options }, partial);
    options.onProgress?.(file.size, "verifying");
    if (await matchesChecksum(partial, file, options.signal)) {
      await rename(partial, target);
      record.remove();
      return;
    }
    rmSync(partial, { force: true });
    record.remove();
    if (attempt >= 2) {
      throw new ModelError(
        "checksum_mismatch",
        `${file.path} of ${revision.repository} arrived twice with the wrong ${checksumName(file)}: a proxy or mirror ` +
          "changes it, or the repository was just updated. Try again later or through another HF_ENDPOINT",
      );
    }
  }
}

function checksumName({ checksum }: HubFile): string {
  return checksum.algorithm === "sha256" ? "SHA-256" : "SHA-1";
}

async function fetchParts(file: Omit<PartTask, "handle" | "signal">, partial: string): Promise<void> {
  const { record, options } = file;
  const handle = await open(partial, record.bytesDone > 0 ? "r+" : "w");
  // One failing connection ends the others.
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const task = { ...file, handle, signal };
  const waiting = record.parts.filter((part) => part.start + part.bytesDone < part.end).values();
  const connect = async () => {
    for (const part of waiting) {
      await fetchPart(task, part);
      record.save();
    }
  };
  try {
    const connections = Math.min(options.connections ?? defaults.connections, record.parts.length);
    const lanes = Array.from({ length: connections }, () =>
      connect().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    );
    const results = await Promise.allSettled(lanes);
    const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason);
    if (failures.length > 0)
      throw options.signal?.aborted ? cancelled() : (stop.signal.reason ?? failures[0]);
    // What is about to get its final name survives a power cut under it.
    await handle.sync();
  } finally {
    record.save();
    await handle.close();
  }
}

interface PartTask {
  readonly client: HubClient;
  readonly revision: Revision;
  readonly file: HubFile;
  readonly handle: FileHandle;
  readonly record: PartRecord;
  readonly options: DownloadOptions;
  readonly signal: AbortSignal;
}

/** Reads a part to its end, over as many connections as it takes; only tries that bring nothing count as failed. */
async function fetchPart(task: PartTask, part: Part): Promise<void> {
  const { options, signal } = task;
  for (let fruitless = 0; part.start + part.bytesDone < part.end; ) {
    const before = part.bytesDone;
    try {
      await readOnce(task, part);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      fruitless = part.bytesDone > before ? 0 : fruitless + 1;
      if (!isWorthRetrying(error) || fruitless >= maxFruitlessTries) throw error;
      await delay((options.retryDelayMs ?? defaults.retryDelayMs) * 2 ** fruitless, undefined, { signal });
    }
  }
}

async function readOnce(task: PartTask, part: Part): Promise<void> {
  const { client, file, options } = task;
  const stall = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => stall.abort(new Error("no data arrived")),
      options.stallTimeoutMs ?? defaults.stallTimeoutMs,
    );
  };
  try {
    watch();
    await readPart(task, part, AbortSignal.any([task.signal, stall.signal]), watch);
  } catch (error) {
    throw error instanceof ModelError ? error : networkFailure(client.endpoint, error);
  } finally {
    clearTimeout(timer);
  }
  if (part.start + part.bytesDone < part.end) {
    throw new ModelError("hub_unreachable", `${client.endpoint} cut the download of ${file.path} short`);
  }
}

async function readPart(task: PartTask, part: Part, signal: AbortSignal, onData: () => void): Promise<void> {
  const { client, revision, file, handle, record, options } = task;
  const start = part.start + part.bytesDone;
  const isWhole = start === 0 && part.end === file.size;
  const response = await client.open(revision.repository, revision.commit, file.path, {
    range: isWhole ? undefined : { start, end: part.end },
    signal,
  });
  if (!response.body) throw new ModelError("hub_failed", `${client.endpoint} sent no data for ${file.path}`);
  // A server that ignores ranges sends the file from its start: what precedes this part is read and dropped.
  let skip = response.status === 206 ? 0 : start;
  for await (const received of response.body) {
    onData();
    const chunk = received.subarray(Math.min(skip, received.length));
    skip -= received.length - chunk.length;
    const wanted = chunk.subarray(0, part.end - part.start - part.bytesDone);
    await writeAll(handle, wanted, part.start + part.bytesDone);
    part.bytesDone += wanted.length;
    options.onProgress?.(record.bytesDone, "downloading");
    // More than was asked for: the checksum will judge what came before.
    if (part.start + part.bytesDone >= part.end) break;
  }
}

async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  try {
    let written = 0;
    while (written < data.length) {
      const result = await handle.write(data, written, data.length - written, position + written);
      written += result.bytesWritten;
    }
  } catch (error) {
    const isFull = systemCodeOf(error) === "ENOSPC";
    throw new ModelError(
      isFull ? "disk_full" : "hub_failed",
      isFull
        ? "The disk became full during the download; free some space, and the download resumes where it stopped"
        : `The download can't be written: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function isWorthRetrying(error: unknown): boolean {
  return error instanceof ModelError && (error.code === "hub_unreachable" || error.code === "hub_failed");
}

function cancelled(): ModelError {
  return new ModelError("cancelled", "The download was cancelled; the next one resumes where it stopped");
}
