import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { convertCheckpoint } from "../../../src/models/convert/convert.ts";
import { parseJson } from "../../../src/models/convert/json.ts";
import { readSafetensors } from "../../../src/models/convert/safetensors.ts";
import { parseSentencePieceModel } from "../../../src/models/convert/tokenizer/sentencepiece-model.ts";
import { ModelError } from "../../../src/models/errors.ts";
import { makeCheckpoint, writeJson } from "../../support/checkpoint.ts";
import { encodeHeader, writeSafetensors } from "../../support/safetensors.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

async function scratchFile(context: TestContext): Promise<string> {
  return join(await temporaryDirectory(context), "model.safetensors");
}

function safetensors(header: unknown, dataBytes = 64): Buffer {
  return Buffer.concat([encodeHeader(JSON.stringify(header)), Buffer.alloc(dataBytes)]);
}

const good = { dtype: "F32", shape: [2, 4], data_offsets: [0, 32] };

test("safetensors headers that lie are refused with what is wrong", async (context) => {
  const path = await scratchFile(context);
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.alloc(0), /only 0 bytes/],
    [Buffer.alloc(8, 0xff), /header claims/],
    [Buffer.concat([Buffer.from([100, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]), /header claims 100 bytes/],
    [encodeHeader("not json"), /not valid JSON/],
    [encodeHeader("[1]"), /a JSON object is expected/],
    [encodeHeader(`{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`), /nests deeper/],
    [safetensors({ a: 1 }), /is not an object/],
    [safetensors({ a: { ...good, data_offsets: [0, 4096] } }), /ends at byte/],
    [safetensors({ a: { ...good, data_offsets: [32, 0] } }), /ends at byte/],
    [safetensors({ a: { ...good, data_offsets: [-8, 24] } }), /malformed/],
    [safetensors({ a: { ...good, data_offsets: [0, 1e300] } }), /malformed/],
    [safetensors({ a: { ...good, data_offsets: [0] } }), /malformed/],
    [safetensors({ a: { ...good, shape: [2, 5] } }), /has 32 bytes where its shape needs 40/],
    [safetensors({ a: { ...good, shape: [1e9, 1e9] } }), /where its shape needs/],
    [safetensors({ a: { ...good, shape: ["2"] } }), /malformed/],
    [safetensors({ a: good, b: { ...good, data_offsets: [16, 48] } }), /overlaps/],
    [safetensors({ a: { ...good, dtype: "F8_E4M3" } }), /stored as F8_E4M3/],
    [safetensors({ a: { ...good, dtype: 7 } }), /no dtype/],
  ];
  for (const [bytes, message] of cases) {
    writeFileSync(path, bytes);
    assert.throws(
      () => readSafetensors(path),
      (error) => error instanceof ModelError && message.test(error.message),
      String(message),
    );
  }
});

test("truncated and damaged safetensors never crash the reader", async (context) => {
  const path = await scratchFile(context);
  const tensors = new Map([
    ["a.weight", { shape: [4, 4], values: new Float32Array(16) }],
    ["b.weight", { shape: [8], values: new Float32Array(8) }],
  ]);
  writeSafetensors(path, tensors, "F32");
  const bytes = readFileSync(path);
  const safely = (damaged: Uint8Array) => {
    writeFileSync(path, damaged);
    try {
      for (const tensor of readSafetensors(path))
        assert.ok(tensor.start + tensor.byteLength <= damaged.length);
    } catch (error) {
      assert.ok(error instanceof ModelError, String(error));
    }
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
      writeFileSync(path, bytes.subarray(0, length));
      assert.throws(() => readSafetensors(path), ModelError);
    }),
    { numRuns: 200 },
  );
  const change = fc.record({
    at: fc.integer({ min: 0, max: bytes.length - 1 }),
    value: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const damaged = Buffer.from(bytes);
      for (const { at, value } of changes) damaged[at] = value;
      safely(damaged);
    }),
    { numRuns: 500 },
  );
});

test("any JSON header is read or refused, never a crash", async (context) => {
  const path = await scratchFile(context);
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record({
      dtype: fc.constantFrom("F32", "F16", "BF16", "I64", "Q9"),
      shape: fc.array(fc.oneof(fc.integer({ min: -2, max: 9 }), fc.double()), { maxLength: 6 }),
      data_offsets: fc.array(fc.oneof(fc.integer({ min: -8, max: 80 }), fc.maxSafeInteger()), {
        maxLength: 3,
      }),
    }),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), entry), (header) => {
      writeFileSync(path, safetensors(header));
      try {
        readSafetensors(path);
      } catch (error) {
        assert.ok(error instanceof ModelError, String(error));
      }
    }),
    { numRuns: 400 },
  );
});

test("brackets inside strings are not nesting", () => {
  assert.deepEqual(parseJson('{"a":"[[[[\\"[[["}', "x", { bytes: 100, depth: 1 }), { a: '[[[["[[[' });
  assert.throws(() => parseJson("{}".padEnd(200), "x", { bytes: 100, depth: 1 }), /more than 100/);
});

test("damaged SentencePiece models are read or refused, never a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseSentencePieceModel(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof ModelError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test("checkpoints that contradict themselves are refused and leave no file behind", async (context) => {
  const directory = await temporaryDirectory(context);
  const output = join(directory, "model.gguf");
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ hidden_size: 128 }, /has the shape/],
    [{ num_hidden_layers: 3 }, /lacks the tensor model\.layers\.2/],
    [{ num_hidden_layers: 1 }, /tensors unknown/],
    [{ num_hidden_layers: -1 }, /num_hidden_layers is -1/],
    [{ num_hidden_layers: 1e9 }, /num_hidden_layers is 1000000000/],
    [{ num_attention_heads: 3 }, /head size/],
    [{ num_key_value_heads: 3 }, /not a multiple/],
    [{ vocab_size: 100 }, /has id \d+, but the model has 100 embeddings/],
    [{ rope_scaling: { rope_type: "dynamic", factor: 2 } }, /rope scaling "dynamic"/],
    [{ architectures: [] }, /names no architecture/],
    [{ partial_rotary_factor: 0.5 }, /partial rotary/],
  ];
  for (const [index, [change, message]] of cases.entries()) {
    const checkpoint = makeCheckpoint(join(directory, String(index)), { family: "llama" });
    writeJson(join(checkpoint.directory, "config.json"), { ...checkpoint.config, ...change });
    await assert.rejects(
      convertCheckpoint(checkpoint.directory, output),
      (error) => error instanceof ModelError && message.test(error.message),
      String(message),
    );
  }
  assert.throws(() => readFileSync(output));
});
