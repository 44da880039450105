import assert from "node:assert/strict";
import {
  closeSync,
  copyFileSync,
  openSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { modelBytes, weightsDigest } from "../../../src/inference/generation/model-file.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("files of one size that differ in any byte of a few megabytes are different weights", async (t) => {
  const path = join(await temporaryDirectory(t), "small.gguf");
  const bytes = Buffer.alloc(3 * 2 ** 20 + 17, 1);
  const digests = [0, 2 ** 20 + 1, bytes.length - 1].map((changed) => {
    bytes[changed] = 2;
    writeFileSync(path, bytes);
    return weightsDigest(path);
  });
  assert.equal(new Set(digests).size, digests.length);
});

test("large files are sampled from end to end", async (t) => {
  const path = join(await temporaryDirectory(t), "large.gguf");
  writeFileSync(path, "");
  const size = 2 ** 30;
  truncateSync(path, size);
  const digests = [weightsDigest(path)];
  // As wide as the stride between two samples, so that one of them is in it, wherever it is.
  const changed = Buffer.alloc(size / 255, 1);
  for (const share of [0.1, 0.5, 0.99]) {
    const descriptor = openSync(path, "r+");
    writeSync(descriptor, changed, 0, changed.length, Math.floor((size - changed.length) * share));
    closeSync(descriptor);
    digests.push(weightsDigest(path));
  }
  assert.equal(new Set(digests).size, 4);
});

test("a copy has the same weights, whatever its name and time", async (t) => {
  const directory = await temporaryDirectory(t);
  const [original, copy] = [join(directory, "a.gguf"), join(directory, "b.gguf")];
  writeFileSync(original, "weights");
  copyFileSync(original, copy);
  utimesSync(copy, 0, 0);
  assert.equal(weightsDigest(copy), weightsDigest(original));
});

test("all parts of a split model count", async (t) => {
  const directory = await temporaryDirectory(t);
  const [first, second] = [1, 2].map((part) => join(directory, `m-0000${part}-of-00002.gguf`)) as [
    string,
    string,
  ];
  writeFileSync(first, "one");
  writeFileSync(second, "two");
  const before = weightsDigest(first);
  assert.equal(modelBytes(first), 6);
  writeFileSync(second, "tow");
  assert.notEqual(weightsDigest(first), before);
});
