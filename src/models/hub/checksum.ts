import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { ModelError } from "../errors.ts";
import type { HubFile } from "./client.ts";

const chunkBytes = 1 << 20;

/** Whether a file on disk has the bytes that the hub announced. */
export async function matchesChecksum(
  path: string,
  { checksum, size }: HubFile,
  signal?: AbortSignal | undefined,
): Promise<boolean> {
  const hash = createHash(checksum.algorithm === "sha256" ? "sha256" : "sha1");
  if (checksum.algorithm === "git-sha1") hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    if (signal?.aborted) throw new ModelError("cancelled", "The download was cancelled");
    hash.update(chunk);
  }
  return hash.digest("hex") === checksum.hex;
}
