import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Quantization } from "../../../src/models/convert/quantization.ts";
import { resolveModel } from "../../../src/models/resolve.ts";
import { type CheckpointOptions, makeCheckpoint, number } from "../../support/checkpoint.ts";
import { EngineModel } from "../../support/engine-model.ts";
import { hubWorkplace } from "../../support/hub-workplace.ts";
import { SeededRandom } from "../../support/random.ts";
import { type Activations, referenceLogits } from "../../support/reference-model.ts";

interface Differences {
  /** From a forward pass all in float64. */
  readonly plain: readonly number[];
  /** From one that rounds activations where the engine's kernels for F16 weights do; undefined for other formats. */
  readonly rounded: readonly number[] | undefined;
}

/**
 * Takes a checkpoint all the way: from a hub, through conversion, into the engine. Finds the largest differences of
 * logits at the first, second and last position of the context.
 */
async function differences(
  context: TestContext,
  options: CheckpointOptions,
  quantization: Quantization,
): Promise<Differences> {
  const { hub, directory, options: resolveOptions } = await hubWorkplace(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), options);
  const files = readdirSync(checkpoint.directory).map((file) => [
    file,
    readFileSync(join(checkpoint.directory, file)),
  ]);
  hub.add("org/model", Object.fromEntries(files));
  const { path } = await resolveModel(`org/model:${quantization}`, resolveOptions);
  const engine = new EngineModel(path);
  context.after(() => engine.free());
  const random = new SeededRandom(11);
  const length = number(
    checkpoint.config,
    options.family === "gpt2" ? "n_positions" : "max_position_embeddings",
  );
  const tokens = Array.from({ length }, () => random.integer(400));
  const actual = engine.logits(tokens);
  const compare = (activations: Activations) => {
    const expected = referenceLogits(checkpoint, tokens, activations);
    return [0, 1, length - 1].map((position) =>
      largestDifference(expected[position] ?? [], actual[position] ?? []),
    );
  };
  return { plain: compare("F64"), rounded: quantization === "F16" ? compare("F16") : undefined };
}

function largestDifference(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  return Math.max(...Array.from(expected, (value, token) => Math.abs(value - (actual[token] ?? Number.NaN))));
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
  ["Qwen2, F16", { family: "qwen2", type: "F16", config: { tie_word_embeddings: false } }, "F16"],
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
  ["Qwen3 with experts, F32", { family: "qwen3moe" }, "F32"],
  ["SmolLM3, F32", { family: "smollm3" }, "F32"],
  ["Granite, F32", { family: "granite" }, "F32"],
  ["Phi 3, F32", { family: "phi3" }, "F32"],
  ["Gemma 3, F32", { family: "gemma3" }, "F32"],
  ["Gemma 3, BF16 checkpoint", { family: "gemma3", type: "BF16" }, "F32"],
  ["OLMo 2, F32", { family: "olmo2" }, "F32"],
  ["LFM2, F32", { family: "lfm2" }, "F32"],
  ["LFM2, BF16 checkpoint", { family: "lfm2", type: "BF16" }, "F32"],
  ["Qwen3, F16", { family: "qwen3", type: "F16", config: { tie_word_embeddings: false } }, "F16"],
];

/** What F16 activations alone do to logits of these models, by the engine's choice of arithmetic. */
const halfPrecisionBound = 5e-3;

for (const [name, options, quantization] of exactCases) {
  test(`the engine's logits equal a float64 forward pass: ${name}`, async (context) => {
    const { plain, rounded } = await differences(context, options, quantization);
    const shown = (values: readonly number[]) => values.map((value) => value.toExponential(1)).join(", ");
    context.diagnostic(`largest differences at the first, second and last position: ${shown(plain)}`);
    if (rounded) context.diagnostic(`with activations rounded to F16 as the engine does: ${shown(rounded)}`);
    for (const difference of rounded ?? plain) assert.ok(difference < 1e-3, `logits differ by ${difference}`);
    for (const difference of plain)
      assert.ok(difference < halfPrecisionBound, `logits differ by ${difference}`);
  });
}
