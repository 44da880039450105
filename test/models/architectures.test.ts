import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelConfig } from "../../src/models/convert/architectures/model-config.ts";
import { architectureOf } from "../../src/models/convert/architectures/registry.ts";
import type { JsonObject } from "../../src/models/convert/json.ts";
import { MetadataBuilder } from "../../src/models/gguf/metadata.ts";

/*
 * What llama.cpp v0.4.0 asks of a file, taken from its sources by hand: tensor names from src/llama-arch.cpp, shapes
 * from load_arch_tensors in src/models/{gpt2,llama,qwen2,qwen3}.cpp (dimensions fastest first), keys from LLM_KV_NAMES.
 */
interface Sizes {
  readonly embedding: number;
  readonly feedForward: number;
  readonly queries: number;
  readonly keys: number;
  readonly head: number;
  readonly vocabulary: number;
  readonly context: number;
}
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

interface Expected extends Sizes {
  readonly architecture: string;
  readonly layers: number;
  readonly isTied: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The published config.json of each, less what conversion does not read. */
const models: Readonly<Record<string, readonly [JsonObject, Expected]>> = {
  distilgpt2: [
    {
      architectures: ["GPT2LMHeadModel"],
      activation_function: "gelu_new",
      layer_norm_epsilon: 1e-5,
      n_ctx: 1024,
      n_embd: 768,
      n_head: 12,
      n_layer: 6,
      n_positions: 1024,
      vocab_size: 50257,
    },
    {
      architecture: "gpt2",
      layers: 6,
      isTied: true,
      embedding: 768,
      feedForward: 3072,
      queries: 768,
      keys: 768,
      head: 64,
      vocabulary: 50257,
      context: 1024,
      metadata: {
        "gpt2.vocab_size": 50257,
        "gpt2.context_length": 1024,
        "gpt2.embedding_length": 768,
        "gpt2.block_count": 6,
        "gpt2.feed_forward_length": 3072,
        "gpt2.attention.head_count": 12,
        "gpt2.attention.layer_norm_epsilon": 1e-5,
      },
    },
  ],
  "HuggingFaceTB/SmolLM2-135M-Instruct": [
    {
      architectures: ["LlamaForCausalLM"],
      hidden_act: "silu",
      hidden_size: 576,
      intermediate_size: 1536,
      max_position_embeddings: 8192,
      num_attention_heads: 9,
      num_hidden_layers: 30,
      num_key_value_heads: 3,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      rope_theta: 100000,
      tie_word_embeddings: true,
      vocab_size: 49152,
    },
    {
      architecture: "llama",
      layers: 30,
      isTied: true,
      embedding: 576,
      feedForward: 1536,
      queries: 576,
      keys: 192,
      head: 64,
      vocabulary: 49152,
      context: 8192,
      metadata: {
        "llama.vocab_size": 49152,
        "llama.context_length": 8192,
        "llama.embedding_length": 576,
        "llama.block_count": 30,
        "llama.feed_forward_length": 1536,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
        "llama.attention.key_length": 64,
        "llama.attention.value_length": 64,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 64,
        "llama.rope.freq_base": 100000,
      },
    },
  ],
  "TinyLlama/TinyLlama-1.1B-Chat-v1.0": [
    {
      architectures: ["LlamaForCausalLM"],
      hidden_act: "silu",
      hidden_size: 2048,
      intermediate_size: 5632,
      max_position_embeddings: 2048,
      num_attention_heads: 32,
      num_hidden_layers: 22,
      num_key_value_heads: 4,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: false,
      vocab_size: 32000,
    },
    {
      architecture: "llama",
      layers: 22,
      isTied: false,
      embedding: 2048,
      feedForward: 5632,
      queries: 2048,
      keys: 256,
      head: 64,
      vocabulary: 32000,
      context: 2048,
      metadata: { "llama.attention.head_count_kv": 4, "llama.rope.freq_base": 10000 },
    },
  ],
  "mistralai/Mistral-7B-Instruct-v0.3": [
    {
      architectures: ["MistralForCausalLM"],
      hidden_act: "silu",
      hidden_size: 4096,
      intermediate_size: 14336,
      max_position_embeddings: 32768,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
      rope_theta: 1000000,
      sliding_window: null,
      tie_word_embeddings: false,
      vocab_size: 32768,
    },
    {
      architecture: "llama",
      layers: 32,
      isTied: false,
      embedding: 4096,
      feedForward: 14336,
      queries: 4096,
      keys: 1024,
      head: 128,
      vocabulary: 32768,
      context: 32768,
      metadata: { "llama.context_length": 32768, "llama.rope.freq_base": 1000000 },
    },
  ],
  "Qwen/Qwen2.5-0.5B-Instruct": [
    {
      architectures: ["Qwen2ForCausalLM"],
      hidden_act: "silu",
      hidden_size: 896,
      intermediate_size: 4864,
      max_position_embeddings: 32768,
      max_window_layers: 21,
      num_attention_heads: 14,
      num_hidden_layers: 24,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      sliding_window: 32768,
      tie_word_embeddings: true,
      use_sliding_window: false,
      vocab_size: 151936,
    },
    {
      architecture: "qwen2",
      layers: 24,
      isTied: true,
      embedding: 896,
      feedForward: 4864,
      queries: 896,
      keys: 128,
      head: 64,
      vocabulary: 151936,
      context: 32768,
      metadata: { "qwen2.attention.head_count_kv": 2, "qwen2.attention.layer_norm_rms_epsilon": 1e-6 },
    },
  ],
  "Qwen/Qwen3-0.6B": [
    {
      architectures: ["Qwen3ForCausalLM"],
      attention_bias: false,
      head_dim: 128,
      hidden_act: "silu",
      hidden_size: 1024,
      intermediate_size: 3072,
      max_position_embeddings: 40960,
      num_attention_heads: 16,
      num_hidden_layers: 28,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      tie_word_embeddings: true,
      use_sliding_window: false,
      vocab_size: 151936,
    },
    {
      architecture: "qwen3",
      layers: 28,
      isTied: true,
      embedding: 1024,
      feedForward: 3072,
      queries: 2048,
      keys: 1024,
      head: 128,
      vocabulary: 151936,
      context: 40960,
      metadata: { "qwen3.attention.key_length": 128, "qwen3.attention.value_length": 128 },
    },
  ],
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

for (const [name, [values, expected]] of Object.entries(models)) {
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
  for (const [values] of Object.values(models)) {
    const config = new ModelConfig(values);
    const metadata = new MetadataBuilder();
    architectureOf(config).describe(config, metadata);
    for (const [key, { type }] of metadata.entries) {
      assert.equal(type, /epsilon|freq_base|factor$/.test(key) ? "float32" : "uint32", key);
    }
  }
});
