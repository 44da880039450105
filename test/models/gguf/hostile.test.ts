import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ModelError } from "../../../src/models/errors.ts";
import { MetadataBuilder } from "../../../src/models/gguf/metadata.ts";
import { type GgufFile, readGguf } from "../../../src/models/gguf/reader.ts";
import { type MetadataValue, tensorTypes } from "../../../src/models/gguf/types.ts";
import { GgufWriter } from "../../../src/models/gguf/writer.ts";
import { checkModelFile } from "../../../src/models/resolve.ts";
import { editGguf } from "../../support/edited-gguf.ts";
import { writeSample } from "../../support/gguf-sample.ts";
import { BUILTIN } from "../../support/model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** Either a clear refusal, or a file whose every tensor can be read. */
function assertSafe(path: string): void {
  let file: GgufFile;
  try {
    file = readGguf(path);
  } catch (error) {
    assert.ok(error instanceof ModelError, `${String(error)}\n${(error as Error).stack}`);
    assert.ok(["invalid_gguf", "not_gguf"].includes(error.code));
    return;
  }
  for (const tensor of file.tensors)
    assert.ok(file.dataOffset + tensor.offset + tensor.byteLength <= file.fileSize);
}

test("every truncation of a file is refused", async (context) => {
  const { path, contents } = await writeSample(context);
  const bytes = readFileSync(path);
  const last = readGguf(path).tensors.at(-1);
  const needed = bytes.length - (32 - ((contents[2]?.length ?? 0) % 32));
  assert.ok(last);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: needed - 1 }), (length) => {
      writeFileSync(path, bytes.subarray(0, length));
      assert.throws(() => readGguf(path), ModelError);
    }),
    { numRuns: 300 },
  );
});

test("damaged bytes never crash the reader or make it believe what is not there", async (context) => {
  const { path } = await writeSample(context);
  const bytes = readFileSync(path);
  const header = readGguf(path).dataOffset;
  const change = fc.record({
    at: fc.integer({ min: 0, max: header - 1 }),
    value: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const damaged = Buffer.from(bytes);
      for (const { at, value } of changes) damaged[at] = value;
      writeFileSync(path, damaged);
      assertSafe(path);
    }),
    { numRuns: 600 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      writeFileSync(path, Buffer.concat([bytes.subarray(0, 8), noise]));
      assertSafe(path);
    }),
    { numRuns: 300 },
  );
});

interface TensorRow {
  readonly name: string;
  readonly dimensions: readonly bigint[];
  readonly type: number;
  readonly offset: bigint;
}

/** A file made by hand, with a tensor table that the writer would never write. */
function handMade(tensors: readonly TensorRow[], counts: { tensors?: bigint; keys?: bigint } = {}): Buffer {
  const u32 = (value: number) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
  };
  const u64 = (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(value);
    return buffer;
  };
  const parts = [
    Buffer.from("GGUF"),
    u32(3),
    u64(counts.tensors ?? BigInt(tensors.length)),
    u64(counts.keys ?? 0n),
  ];
  for (const { name, dimensions, type, offset } of tensors) {
    parts.push(
      u64(BigInt(name.length)),
      Buffer.from(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset),
    );
  }
  return Buffer.concat([...parts, Buffer.alloc(4096)]);
}

test("tensor tables that lie are refused by name", async (context) => {
  const path = join(await temporaryDirectory(context), "hostile.gguf");
  const row = (change: Partial<TensorRow> = {}): TensorRow => ({
    name: "a",
    dimensions: [32n, 2n],
    type: tensorTypes.F32.id,
    offset: 0n,
    ...change,
  });
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [handMade([row({ offset: 1n << 40n })]), /ends at byte/],
    [handMade([row({ offset: 2n ** 63n })]), /offset of a is/],
    [handMade([row(), row({ name: "b", offset: 128n })]), /overlaps/],
    [handMade([row(), row({ offset: 256n })]), /repeated/],
    [handMade([row({ offset: 4n })]), /not aligned/],
    [handMade([row({ dimensions: [2n ** 32n, 2n ** 32n] })]), /no usable size|ends at byte/],
    [handMade([row({ dimensions: [0n] })]), /no usable size/],
    [handMade([row({ dimensions: [1n, 1n, 1n, 1n, 1n] })]), /5 dimensions/],
    [handMade([row({ type: 99 })]), /unknown type 99/],
    [handMade([row({ type: tensorTypes.Q8_0.id, dimensions: [33n] })]), /not whole blocks/],
    [handMade([row({ name: "x".repeat(200) })]), /length of a tensor name/],
    [handMade([], { tensors: 2n ** 40n }), /number of tensors/],
    [handMade([], { keys: 2n ** 63n }), /number of metadata keys/],
  ];
  for (const [bytes, message] of cases) {
    writeFileSync(path, bytes);
    assert.throws(
      () => readGguf(path),
      (error) => error instanceof ModelError && message.test(error.message),
      String(message),
    );
  }
});

test("an array that claims more elements than the file has bytes takes no memory", async (context) => {
  const path = join(await temporaryDirectory(context), "hostile.gguf");
  const metadata = new MetadataBuilder().strings("a", ["x"]).entries;
  const writer = new GgufWriter(path, metadata, []);
  await writer.open();
  await writer.close();
  const bytes = readFileSync(path);
  const countAt = 24 + 8 + 1 + 4 + 4;
  assert.equal(bytes.readBigUInt64LE(countAt), 1n);
  for (const count of [1000n, 2n ** 31n, 2n ** 62n, 2n ** 64n - 1n]) {
    bytes.writeBigUInt64LE(count, countAt);
    writeFileSync(path, bytes);
    assert.throws(() => readGguf(path), /number of elements of a is/);
  }
});

test("many small arrays that would fill memory together are refused", async (context) => {
  const path = join(await temporaryDirectory(context), "hostile.gguf");
  const element = Buffer.alloc(4 << 20);
  const metadata = new Map<string, MetadataValue>();
  for (let key = 0; key < 5; key++) metadata.set(`k${key}`, { type: "array", of: "uint8", value: [0] });
  const writer = new GgufWriter(path, metadata, []);
  await writer.open();
  await writer.close();
  // Blow each array of one byte up to four million, by hand.
  const parts: Buffer[] = [readFileSync(path).subarray(0, 24)];
  for (const key of metadata.keys()) {
    const head = Buffer.alloc(8 + 2 + 4 + 4 + 8);
    head.writeBigUInt64LE(2n, 0);
    head.write(key, 8);
    head.writeUInt32LE(9, 10);
    head.writeBigUInt64LE(BigInt(element.length), 18);
    parts.push(head, element);
  }
  writeFileSync(path, Buffer.concat(parts));
  assert.throws(() => readGguf(path), /more than 16777216 values/);
});

function assertRefused(path: string, message: RegExp): void {
  assert.throws(
    () => checkModelFile(path),
    (error) => error instanceof ModelError && error.code === "invalid_gguf" && message.test(error.message),
    String(message),
  );
}

test("metadata that would crash llama.cpp is refused by its key, before native code sees it", async (t) => {
  const directory = await temporaryDirectory(t);
  const { metadata } = readGguf(BUILTIN);
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const types = metadata.get("tokenizer.ggml.token_type");
  assert.ok(tokens?.type === "array" && types?.type === "array");
  const control = types.value.indexOf(3);
  const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
  const cases: ReadonlyArray<readonly [key: string, value: MetadataValue, message: RegExp]> = [
    ["llama.block_count", uint32(100_000), /llama\.block_count is 100000/],
    ["llama.block_count", uint32(0), /llama\.block_count is 0/],
    ["llama.block_count", { type: "string", value: "5" }, /llama\.block_count is 5/],
    ["llama.expert_count", uint32(100_000), /llama\.expert_count is 100000/],
    ["llama.context_length", uint32(2 ** 31), /llama\.context_length is 2147483648/],
    ["llama.embedding_length", uint32(0), /llama\.embedding_length is 0/],
    [
      "llama.attention.layer_norm_rms_epsilon",
      { type: "float32", value: Number.NaN },
      /layer_norm_rms_epsilon is NaN/,
    ],
    [
      "tokenizer.ggml.tokens",
      { ...tokens, value: tokens.value.with(control, "x".repeat(20_000)) },
      /the special token \d+ has 20000 characters/,
    ],
  ];
  for (const [key, value, message] of cases) {
    const path = await editGguf(BUILTIN, join(directory, "hostile.gguf"), { [key]: value });
    assertRefused(path, message);
  }
  const byte = await editGguf(BUILTIN, join(directory, "hostile.gguf"), {
    "tokenizer.ggml.model": { type: "string", value: "plamo2" },
    "tokenizer.ggml.tokens": { ...tokens, value: tokens.value.with(300, "<0x-1>") },
  });
  assertRefused(byte, /token 300 names no byte/);
  checkModelFile(BUILTIN);
});
