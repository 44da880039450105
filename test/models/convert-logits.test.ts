import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { convertCheckpoint } from "../../src/models/convert/convert.ts";
import type { Quantization } from "../../src/models/convert/quantization.ts";
import { type CheckpointOptions, makeCheckpoint, number } from "../support/checkpoint.ts";
import { EngineModel } from "../support/engine-model.ts";
import { SeededRandom } from "../support/random.ts";
import { referenceLogits } from "../support/reference-model.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** The largest differences of logits at the first, second and last position of the context. */
async function differences(
  test: TestContext,
  options: CheckpointOptions,
  quantization: Quantization,
): Promise<readonly number[]> {
  const directory = await temporaryDirectory(test);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), options);
  const { path } = await convertCheckpoint(checkpoint.directory, join(directory, "model.gguf"), {
    quantization,
  });
  const engine = new EngineModel(path);
  try {
    const random = new SeededRandom(11);
    const context = number(
      checkpoint.config,
      options.family === "gpt2" ? "n_positions" : "max_position_embeddings",
    );
    const tokens = Array.from({ length: context }, () => random.integer(400));
    const expected = referenceLogits(checkpoint, tokens, quantization === "F16" ? "F16" : "F64");
    const actual = engine.logits(tokens);
    return [0, 1, context - 1].map((position) => {
      const reference = expected[position] ?? [];
      const logits = actual[position] ?? [];
      assert.equal(logits.length, reference.length);
      return Math.max(
        ...Array.from(reference, (value, token) => Math.abs(value - (logits[token] ?? Number.NaN))),
      );
    });
  } finally {
    engine.free();
  }
}

const exactCases: readonly (readonly [string, CheckpointOptions, Quantization])[] = [
  ["GPT-2, F32", { family: "gpt2" }, "F32"],
  [
    "GPT-2 under distilgpt2's tensor names, F16",
    { family: "gpt2", type: "F16", gpt2Prefix: "transformer." },
    "F16",
  ],
  ["Llama, F32", { family: "llama" }, "F32"],
  ["Llama, BF16 checkpoint to F32", { family: "llama", type: "BF16" }, "F32"],
  ["Llama, F16 in three shards", { family: "llama", type: "F16", shards: 3 }, "F16"],
  ["Llama with attention biases", { family: "llama", config: { attention_bias: true } }, "F32"],
  [
    "Llama 3.1 rope scaling",
    {
      family: "llama",
      config: {
        rope_theta: 500,
        rope_scaling: {
          rope_type: "llama3",
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 32,
        },
      },
    },
    "F32",
  ],
  [
    "Llama, linear rope scaling",
    { family: "llama", config: { rope_scaling: { rope_type: "linear", factor: 2 } } },
    "F32",
  ],
  ["Mistral, F16", { family: "mistral", type: "F16" }, "F16"],
  ["SmolLM with tied embeddings, F32", { family: "smollm" }, "F32"],
  ["Qwen2, F32", { family: "qwen2" }, "F32"],
  ["Qwen2, F16", { family: "qwen2", type: "F16" }, "F16"],
  [
    "Qwen2 with YaRN",
    {
      family: "qwen2",
      config: {
        rope_theta: 10000,
        rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 16 },
      },
    },
    "F32",
  ],
  ["Qwen3 with heads wider than hidden_size / heads, F32", { family: "qwen3" }, "F32"],
  ["Qwen3, F16", { family: "qwen3", type: "F16" }, "F16"],
];

for (const [name, options, quantization] of exactCases) {
  test(`the engine's logits equal a float64 forward pass: ${name}`, async (context) => {
    const found = await differences(context, options, quantization);
    context.diagnostic(
      `max abs difference at the first, second, last position: ${found.map((d) => d.toExponential(1))}`,
    );
    for (const difference of found) assert.ok(difference < 1e-3, `logits differ by ${difference}`);
  });
}
