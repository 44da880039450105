import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { convertCheckpoint } from "../../../src/models/convert/convert.ts";
import { quantizations } from "../../../src/models/convert/quantization.ts";
import { ModelError } from "../../../src/models/errors.ts";
import { type GgufFile, readGguf } from "../../../src/models/gguf/reader.ts";
import { makeCheckpoint, type TestCheckpoint } from "../../support/checkpoint.ts";
import { EngineModel } from "../../support/engine-model.ts";
import { roundTo } from "../../support/safetensors.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** A tensor's numbers, decoded from the formats' definitions (ggml-common.h: `block_q8_0`, `block_q4_0`). */
function decode(file: GgufFile, name: string): Float32Array {
  const tensor = file.tensors.find((candidate) => candidate.name === name);
  assert.ok(tensor, name);
  const start = file.dataOffset + tensor.offset;
  const bytes = readFileSync(file.path).subarray(start, start + tensor.byteLength);
  switch (tensor.type) {
    case "F32":
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
    case "F16":
      return Float32Array.from({ length: bytes.length / 2 }, (_, i) => half(bytes.readUInt16LE(i * 2)));
    case "BF16":
      return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
        const wide = Buffer.from([0, 0, bytes[i * 2] ?? 0, bytes[i * 2 + 1] ?? 0]);
        return wide.readFloatLE();
      });
    case "Q8_0":
      return Float32Array.from({ length: (bytes.length / 34) * 32 }, (_, i) => {
        const block = Math.floor(i / 32) * 34;
        return half(bytes.readUInt16LE(block)) * bytes.readInt8(block + 2 + (i % 32));
      });
    case "Q4_0":
      return Float32Array.from({ length: (bytes.length / 18) * 32 }, (_, i) => {
        const block = Math.floor(i / 32) * 18;
        const pair = bytes[block + 2 + (i % 16)] ?? 0;
        return half(bytes.readUInt16LE(block)) * ((i % 32 < 16 ? pair & 15 : pair >> 4) - 8);
      });
    default:
      throw new Error(`no decoder for ${tensor.type}`);
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const magnitude = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** A format's error is at most half a step, the step following from the largest of 32 neighbours. */
const stepOf = { F32: 0, F16: 2 ** -11, BF16: 2 ** -8, Q8_0: 1 / 127, Q4_0: 1 / 8 } as const;

function assertClose(actual: Float32Array, checkpoint: TestCheckpoint, source: string, step: number): void {
  const expected = checkpoint.tensors.get(source)?.values;
  assert.ok(expected);
  assert.equal(actual.length, expected.length);
  for (let block = 0; block < expected.length; block += 32) {
    const most = Math.max(...expected.subarray(block, block + 32).map(Math.abs));
    for (let i = block; i < Math.min(block + 32, expected.length); i++) {
      const error = Math.abs((actual[i] ?? 0) - (expected[i] ?? 0));
      assert.ok(error <= most * step * 1.01, `${source}[${i}] is off by ${error}`);
    }
  }
}

for (const quantization of quantizations) {
  test(`a ${quantization} file holds the checkpoint's numbers as exactly as the format can, and loads`, async (context) => {
    const directory = await temporaryDirectory(context);
    const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "smollm", type: "BF16" });
    const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"), {
      quantization,
    });
    const file = readGguf(path);
    for (const tensor of file.tensors) {
      const isVector = tensor.dimensions.length === 1;
      const isTable = tensor.name === "token_embd.weight";
      assert.equal(
        tensor.type,
        isVector ? "F32" : isTable && quantization === "Q4_0" ? "Q8_0" : quantization,
      );
    }
    const step = stepOf[quantization];
    const tableStep = quantization === "Q4_0" ? stepOf.Q8_0 : step;
    assertClose(
      decode(file, "blk.1.ffn_down.weight"),
      checkpoint,
      "model.layers.1.mlp.down_proj.weight",
      step,
    );
    assertClose(
      decode(file, "blk.0.attn_v.weight"),
      checkpoint,
      "model.layers.0.self_attn.v_proj.weight",
      step,
    );
    assertClose(decode(file, "token_embd.weight"), checkpoint, "model.embed_tokens.weight", tableStep);
    assertClose(
      decode(file, "blk.0.attn_norm.weight"),
      checkpoint,
      "model.layers.0.input_layernorm.weight",
      0,
    );
    assert.ok(
      !file.tensors.some((tensor) => tensor.name === "output.weight"),
      "tied embeddings are written once",
    );
    const engine = new EngineModel(path);
    assert.equal(engine.model.vocabulary.size, file.metadata.get("llama.vocab_size")?.value);
    assert.ok(engine.logits([1, 2, 3]).every((row) => row.every(Number.isFinite)));
    engine.free();
  });
}

test("queries and keys are reordered to neighbouring rotary pairs", async (context) => {
  const directory = await temporaryDirectory(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama" });
  const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"), {
    quantization: "F32",
  });
  const actual = decode(readGguf(path), "blk.0.attn_k.weight");
  const source = checkpoint.tensors.get("model.layers.0.self_attn.k_proj.weight")?.values;
  assert.ok(source);
  // Head size 16: rows 0 and 8 of a head rotate together, and become rows 0 and 1.
  const rowOf = (values: Float32Array, row: number) => [...values.subarray(row * 64, (row + 1) * 64)];
  assert.deepEqual(rowOf(actual, 0), rowOf(source, 0));
  assert.deepEqual(rowOf(actual, 1), rowOf(source, 8));
  assert.deepEqual(rowOf(actual, 2), rowOf(source, 1));
  assert.deepEqual(rowOf(actual, 16 + 5), rowOf(source, 16 + 10));
});

test("rows that are not whole blocks become F16 instead", async (context) => {
  const directory = await temporaryDirectory(context);
  const config = { hidden_size: 72, num_attention_heads: 4, head_dim: 18, intermediate_size: 100 };
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama", config });
  const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"));
  const types = new Map(readGguf(path).tensors.map((tensor) => [tensor.name, tensor.type]));
  assert.equal(types.get("blk.0.attn_q.weight"), "F16");
  assert.equal(types.get("blk.0.ffn_down.weight"), "F16");
});

test("special tokens, chat template and BOS rule reach the engine", async (context) => {
  const directory = await temporaryDirectory(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama" });
  const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"), {
    name: "org/model",
  });
  const { metadata } = readGguf(path);
  assert.equal(metadata.get("general.name")?.value, "org/model");
  assert.equal(metadata.get("tokenizer.ggml.bos_token_id")?.value, 0);
  assert.equal(metadata.get("tokenizer.ggml.eos_token_id")?.value, 2);
  const engine = new EngineModel(path);
  context.after(() => engine.free());
  assert.match(engine.model.chatTemplate ?? "", /im_start/);
  assert.ok(engine.model.vocabulary.isEndOfGeneration(2));
  assert.deepEqual(engine.tokenize("", { addSpecial: true }), [0]);
  assert.deepEqual(engine.tokenize("<|im_start|><|im_end|>", { parseSpecial: true }), [1, 2]);
  assert.equal(
    Buffer.concat(
      engine.tokenize(" héllo\n").map((token) => engine.model.vocabulary.piece(token)),
    ).toString(),
    " héllo\n",
  );
});

test("a cancelled conversion leaves nothing behind", async (context) => {
  const directory = await temporaryDirectory(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama" });
  const options = { signal: AbortSignal.abort() };
  await assert.rejects(
    convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"), options),
    (error) => error instanceof ModelError && error.code === "cancelled",
  );
  assert.deepEqual(readdirSync(directory), ["checkpoint"]);
});

test("the tests' own half-precision rounding is IEEE's", () => {
  for (const [value, expected] of [
    [1, 1],
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [2 ** -25, 0],
    [-(2 ** -24), -(2 ** -24)],
  ] as const) {
    assert.equal(roundTo(value, "F16"), expected);
  }
});
