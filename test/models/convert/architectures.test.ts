import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelConfig } from "../../../src/models/convert/architectures/model-config.ts";
import { architectureOf } from "../../../src/models/convert/architectures/registry.ts";
import { MetadataBuilder } from "../../../src/models/gguf/metadata.ts";
import { type Expected, publishedModels, type Sizes } from "../../support/published-models.ts";

/*
 * What llama.cpp v0.4.0 asks of a file, taken from its sources by hand: tensor names from src/llama-arch.cpp, shapes
 * from load_arch_tensors in src/models/{gpt2,llama,qwen2,qwen3}.cpp (dimensions fastest first), keys from LLM_KV_NAMES.
 */
type Table = Readonly<Record<string, (sizes: Sizes) => readonly number[]>>;

const gatedBlock: Table = {
  "attn_norm.weight": ({ embedding }) => [embedding],
  "attn_q.weight": ({ embedding, queries }) => [embedding, queries],
  "attn_k.weight": ({ embedding, keys }) => [embedding, keys],
  "attn_v.weight": ({ embedding, keys }) => [embedding, keys],
  "attn_output.weight": ({ embedding, queries }) => [queries, embedding],
  "ffn_norm.weight": ({ embedding }) => [embedding],
  "ffn_gate.weight": ({ embedding, feedForward }) => [embedding, feedForward],
  "ffn_up.weight": ({ embedding, feedForward }) => [embedding, feedForward],
  "ffn_down.weight": ({ embedding, feedForward }) => [feedForward, embedding],
};
const blocks: Readonly<Record<string, Table>> = {
  llama: gatedBlock,
  qwen2: {
    ...gatedBlock,
    "attn_q.bias": ({ queries }) => [queries],
    "attn_k.bias": ({ keys }) => [keys],
    "attn_v.bias": ({ keys }) => [keys],
  },
  qwen3: {
    ...gatedBlock,
    "attn_q_norm.weight": ({ head }) => [head],
    "attn_k_norm.weight": ({ head }) => [head],
  },
  gpt2: {
    "attn_norm.weight": ({ embedding }) => [embedding],
    "attn_norm.bias": ({ embedding }) => [embedding],
    "attn_qkv.weight": ({ embedding }) => [embedding, 3 * embedding],
    "attn_qkv.bias": ({ embedding }) => [3 * embedding],
    "attn_output.weight": ({ embedding }) => [embedding, embedding],
    "attn_output.bias": ({ embedding }) => [embedding],
    "ffn_norm.weight": ({ embedding }) => [embedding],
    "ffn_norm.bias": ({ embedding }) => [embedding],
    "ffn_up.weight": ({ embedding, feedForward }) => [embedding, feedForward],
    "ffn_up.bias": ({ feedForward }) => [feedForward],
    "ffn_down.weight": ({ embedding, feedForward }) => [feedForward, embedding],
    "ffn_down.bias": ({ embedding }) => [embedding],
  },
};
const outside: Readonly<Record<string, Table>> = {
  llama: {
    "token_embd.weight": ({ embedding, vocabulary }) => [embedding, vocabulary],
    "output_norm.weight": ({ embedding }) => [embedding],
  },
  gpt2: {
    "token_embd.weight": ({ embedding, vocabulary }) => [embedding, vocabulary],
    "position_embd.weight": ({ embedding, context }) => [embedding, context],
    "output_norm.weight": ({ embedding }) => [embedding],
    "output_norm.bias": ({ embedding }) => [embedding],
  },
};

function expectedTensors(expected: Expected): Map<string, readonly number[]> {
  const tensors = new Map<string, readonly number[]>();
  const tables = outside[expected.architecture] ?? outside["llama"] ?? {};
  for (const [name, shape] of Object.entries(tables)) tensors.set(name, shape(expected));
  if (!expected.isTied) tensors.set("output.weight", [expected.embedding, expected.vocabulary]);
  for (let layer = 0; layer < expected.layers; layer++) {
    for (const [name, shape] of Object.entries(blocks[expected.architecture] ?? {})) {
      tensors.set(`blk.${layer}.${name}`, shape(expected));
    }
  }
  return tensors;
}

for (const [name, [values, expected]] of Object.entries(publishedModels)) {
  test(`tensor names, shapes and keys are llama.cpp's for ${name}`, () => {
    const config = new ModelConfig(values);
    const architecture = architectureOf(config);
    assert.equal(architecture.name, expected.architecture);
    const expectedByName = expectedTensors(expected);
    const rules = new Map(architecture.rules(config).map((rule) => [rule.name, rule]));
    for (const [tensor, dimensions] of expectedByName) {
      const rule = rules.get(tensor);
      assert.ok(rule, `${tensor} is missing`);
      const shape = rule.layout.kind === "transposed" ? rule.shape : rule.shape.toReversed();
      assert.deepEqual(shape, dimensions, tensor);
    }
    const additional = [...rules.values()].filter((rule) => !expectedByName.has(rule.name));
    assert.ok(
      additional.every((rule) => rule.optional),
      "only biases that some checkpoints have may come on top",
    );
    const metadata = new MetadataBuilder();
    architecture.describe(config, metadata);
    for (const [key, value] of Object.entries(expected.metadata)) {
      assert.equal(metadata.entries.get(key)?.value, value, key);
    }
  });
}

test("every key is written with the type that llama.cpp reads", () => {
  for (const [values] of Object.values(publishedModels)) {
    const config = new ModelConfig(values);
    const metadata = new MetadataBuilder();
    architectureOf(config).describe(config, metadata);
    for (const [key, { type }] of metadata.entries) {
      assert.equal(type, /epsilon|freq_base|factor$/.test(key) ? "float32" : "uint32", key);
    }
  }
});
