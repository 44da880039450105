import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MetadataBuilder } from "../../../src/models/gguf/metadata.ts";
import { readGguf } from "../../../src/models/gguf/reader.ts";
import { GgufWriter } from "../../../src/models/gguf/writer.ts";
import { allTypes, declarations, writeSample } from "../../support/gguf-sample.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("what the writer writes the reader reads back, metadata of every type and tensors aligned", async (context) => {
  const { path, contents } = await writeSample(context);
  const file = readGguf(path);
  assert.equal(file.version, 3);
  assert.deepEqual([...file.metadata], [...allTypes]);
  assert.deepEqual(
    file.tensors.map(({ name, type, dimensions }) => ({ name, type, dimensions })),
    declarations.map((declaration) => ({ ...declaration })),
  );
  const bytes = readFileSync(path);
  for (const [index, tensor] of file.tensors.entries()) {
    const start = file.dataOffset + tensor.offset;
    assert.equal(start % 32, 0);
    assert.deepEqual(bytes.subarray(start, start + tensor.byteLength), contents[index]);
  }
  assert.equal(bytes.length % 32, 0);
});

test("vocabularies as large as real ones are written and read", async (context) => {
  const path = join(await temporaryDirectory(context), "large.gguf");
  const tokens = Array.from({ length: 300_000 }, (_, id) => `token ${id}`);
  const writer = new GgufWriter(
    path,
    new MetadataBuilder().strings("tokenizer.ggml.tokens", tokens).entries,
    [],
  );
  await writer.open();
  await writer.close();
  assert.deepEqual(readGguf(path).metadata.get("tokenizer.ggml.tokens")?.value, tokens);
});

test("version 2 is read, other versions are refused", async (context) => {
  const { path } = await writeSample(context);
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(2, 4);
  writeFileSync(path, bytes);
  assert.equal(readGguf(path).version, 2);
  for (const version of [0, 1, 4, 0x03000000]) {
    bytes.writeUInt32LE(version, 4);
    writeFileSync(path, bytes);
    assert.throws(() => readGguf(path), /versions 2 and 3 are read/);
  }
});

test("a tensor written past its end is a defect, not a damaged file", async (context) => {
  const directory = await temporaryDirectory(context);
  const writer = new GgufWriter(join(directory, "a.gguf"), new Map(), [
    { name: "a", type: "F32", dimensions: [4] },
  ]);
  await writer.open();
  const [tensor] = writer.tensors;
  assert.ok(tensor);
  await assert.rejects(writer.writeTensor(tensor, Buffer.alloc(8), 12), RangeError);
  await writer.close();
});
