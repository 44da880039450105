import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";

/** Bytes that a large file is sampled by: this many blocks, spread evenly from its first byte to its last. */
const SAMPLES = 256;
const SAMPLE_BYTES = 64 * 1024;

/**
 * Tells one model's weights from another's without reading gigabytes: a digest of the file's size and of samples of all
 * of it, and of the whole file up to 16 MiB. Training changes every tensor, so files that differ in weights differ in
 * samples. The name and the time of the file don't count: copies of one file are one model.
 */
export function weightsDigest(path: string): string {
  const hash = createHash("sha256");
  for (const file of modelFiles(path)) hashSamples(hash, file);
  return hash.digest("hex").slice(0, 16);
}

/** Bytes of the model on disk, all parts of a split one together; 0 when there is none, which loading it will say better. */
export function modelBytes(path: string): number {
  return modelFiles(path).reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** The file, or all parts of a model that is split as llama.cpp splits them: `name-00001-of-00003.gguf`. */
function modelFiles(path: string): string[] {
  const [, stem, count] = /^(.*)-\d{5}-of-(\d{5})\.gguf$/.exec(path) ?? [];
  if (stem === undefined || count === undefined) return [path];
  return Array.from(
    { length: Number(count) },
    (_, index) => `${stem}-${String(index + 1).padStart(5, "0")}-of-${count}.gguf`,
  );
}

function hashSamples(hash: Hash, path: string): void {
  const descriptor = openSync(path, "r");
  try {
    const { size } = statSync(path);
    hash.update(`${size}\n`);
    const blocks = Math.min(SAMPLES, Math.ceil(size / SAMPLE_BYTES));
    const stride = blocks > 1 ? (size - SAMPLE_BYTES) / (blocks - 1) : 0;
    const block = Buffer.alloc(SAMPLE_BYTES);
    for (let index = 0; index < blocks; index++) {
      const read = readSync(descriptor, block, 0, SAMPLE_BYTES, Math.max(0, Math.floor(index * stride)));
      hash.update(block.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}
