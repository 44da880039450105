import { describeVocabulary } from "../../../bench/models/vocabulary.ts";
import { MetadataBuilder } from "../../../src/models/gguf/metadata.ts";
import type { Metadata } from "../../../src/models/gguf/types.ts";

/** Tokens of tiny models: the bytes, the end of text, and words. */
export const VOCABULARY = 512;
/** Chameleon's 8,192 tokens of images are never written, and have fixed places. */
const IMAGE_VOCABULARY = 10_240;
export const END_OF_TEXT = 256;
export const TRAINING_CONTEXT = 2048;
/** Tokens that sliding layers see. */
const WINDOW = 32;

const mla = [
  "deepseek2",
  "deepseek32",
  "glm-dsa",
  "dots3note",
  "kimi-linear",
  "bailingmoe3",
  "kimi-k3",
  "mistral4",
];
/** Layer 0 keeps a state, layer 1 keeps keys and values: `head_count_kv` is 0 where there is a state. */
const stateFirst = [
  "plamo2",
  "jamba",
  "nemotron_h",
  "nemotron_h_moe",
  "granitehybrid",
  "lfm2",
  "lfm2moe",
  "kimi-linear",
  "bailingmoe3",
  "kimi-k3",
];
/** Whose sliding layers are an array; the others have a period. */
const windowArray = ["cohere2moe", "mimo2", "step35", "muse-glimmer", "granite_swa", "dots3note", "dflash"];
/** RWKV's memory under Qwen's layers, which shift once. */
const ofOneShift = ["arwkv7", "rwkv6qwen2"];
/** Delta-net models whose inner size is heads × state size. */
const deltaNet = ["qwen3next", "qwen35", "qwen35moe", "qwen4exp"];

interface Sizes {
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly inner: number;
  readonly layers: number;
}

/** Sizes that llama.cpp's own tests use, as small as each architecture's kernels and fixed numbers allow. */
function sizesOf(architecture: string): Sizes {
  const usual = { hidden: 256, heads: 2, kvHeads: 2, inner: 384, layers: 2 };
  if (mla.includes(architecture)) return { ...usual, hidden: 128, heads: 1, kvHeads: 1, inner: 192 };
  switch (architecture) {
    case "llama4":
      return { ...usual, layers: 4 };
    case "gemma4":
      return { ...usual, hidden: 128, inner: 192, layers: 5 };
    case "gemma3n":
      return { hidden: 64, heads: 1, kvHeads: 1, inner: 96, layers: 22 };
    case "deepseek4":
      return { hidden: 512, heads: 8, kvHeads: 1, inner: 1024, layers: 4 };
    case "step35":
    case "laguna":
      return { ...usual, hidden: 160 };
    case "qwen3":
      return { ...usual, heads: 4, kvHeads: 1 };
    case "muse-glimmer":
    case "afmoe":
      return { ...usual, heads: 4, kvHeads: 2 };
    case "nemotron_h":
    case "nemotron_h_moe":
      return { ...usual, layers: 3 };
    default:
      return usual;
  }
}

/**
 * Metadata of a tiny model of any architecture: every key that any of them may ask for, since a loader reads only
 * those it knows (the keys are those of llama.cpp's `llama-arch.cpp`, the values of its `test-llama-archs.cpp`).
 */
export function tinyMetadata(architecture: string, options: { readonly experts: boolean }): Metadata {
  const sizes = sizesOf(architecture);
  const keys = new Keys(architecture);
  describeSizes(keys, architecture, sizes);
  describeAttention(keys, architecture, sizes);
  describeState(keys, architecture, sizes);
  if (architecture === "deepseek4") describeDeepseek4(keys);
  if (architecture === "qwen4exp") describeQwen4(keys, sizes);
  // Drafts for another model say which of its layers they read; encoders, how many kinds of text they know.
  keys.integers({ target_layers: [0, 1, 1], target_hidden_size: sizes.hidden });
  keys.metadata.uint32("tokenizer.ggml.token_type_count", 2);
  if (architecture.includes("bert")) keys.booleans({ "attention.causal": false });
  if (options.experts) describeExperts(keys, architecture, sizes);
  describeVocabulary(keys.metadata, vocabularyOf(architecture), "gpt-2");
  return keys.metadata.entries;
}

function vocabularyOf(architecture: string): number {
  return architecture === "chameleon" ? IMAGE_VOCABULARY : VOCABULARY;
}

/** Writes keys under the architecture's name. */
class Keys {
  readonly metadata = new MetadataBuilder();
  readonly #architecture: string;

  constructor(architecture: string) {
    this.#architecture = architecture;
    this.metadata.string("general.architecture", architecture).uint32("general.file_type", 0);
  }

  integers(values: Readonly<Record<string, number | readonly number[]>>): void {
    for (const [key, value] of Object.entries(values)) {
      const name = `${this.#architecture}.${key}`;
      if (typeof value === "number") this.metadata.uint32(name, value);
      else this.metadata.entries.set(name, { type: "array", of: "uint32", value });
    }
  }

  longs(values: Readonly<Record<string, readonly number[]>>): void {
    for (const [key, value] of Object.entries(values)) {
      const longs = value.map(BigInt);
      this.metadata.entries.set(`${this.#architecture}.${key}`, {
        type: "array",
        of: "uint64",
        value: longs,
      });
    }
  }

  floats(values: Readonly<Record<string, number | readonly number[]>>): void {
    for (const [key, value] of Object.entries(values)) {
      const name = `${this.#architecture}.${key}`;
      if (typeof value === "number") this.metadata.float32(name, value);
      else this.metadata.float32s(name, value);
    }
  }

  booleans(values: Readonly<Record<string, boolean>>): void {
    for (const [key, value] of Object.entries(values))
      this.metadata.bool(`${this.#architecture}.${key}`, value);
  }
}

function describeSizes(keys: Keys, architecture: string, { hidden, inner, layers }: Sizes): void {
  const isNemotron = architecture.startsWith("nemotron_h");
  keys.integers({
    vocab_size: vocabularyOf(architecture),
    context_length: TRAINING_CONTEXT,
    embedding_length: hidden,
    features_length: hidden,
    block_count: layers,
    leading_dense_block_count: 1,
    feed_forward_length: isNemotron
      ? Array.from({ length: layers }, (_, layer) => (layer <= 1 ? 0 : inner))
      : inner,
    "posnet.embedding_length": hidden,
    "posnet.block_count": layers,
    "convnext.embedding_length": hidden,
    "convnext.block_count": layers,
    "attn_res.block_size": 12,
  });
  keys.booleans({ use_parallel_residual: false });
  keys.floats({
    logit_scale: 1,
    residual_scale: 3.5565588200778455,
    "activation.situ_beta": 4,
    "activation.situ_linear_beta": 25,
  });
  keys.metadata
    .float32("xielu.alpha_n", 1)
    .float32("xielu.alpha_p", 1)
    .float32("xielu.beta", 1)
    .float32("xielu.eps", 1e-7);
}

function describeAttention(keys: Keys, architecture: string, sizes: Sizes): void {
  const { hidden, heads, kvHeads, layers } = sizes;
  const headSize = hidden / heads;
  const perLayer = (of: (layer: number) => number) => Array.from({ length: layers }, (_, layer) => of(layer));
  const hasState = stateFirst.includes(architecture);
  keys.integers({
    full_attention_interval: 2,
    "attention.head_count": heads,
    "attention.head_count_kv": hasState ? perLayer((layer) => (layer === 0 ? 0 : heads)) : kvHeads,
    "attention.group_norm_groups": 8,
    "attention.q_lora_rank": architecture === "deepseek4" ? 64 : 512,
    "attention.kv_lora_rank": 512,
    "attention.relative_buckets_count": 8,
    "attention.sliding_window": WINDOW,
    "attention.sliding_window_pattern": windowArray.includes(architecture)
      ? perLayer((layer) => layer % 2)
      : architecture === "gemma4"
        ? 5
        : 2,
    // minimax-m3 has one indexer head per attention head; the others' fused kernel wants 64.
    "attention.indexer.head_count": architecture === "minimax-m3" ? heads : 64,
    "attention.indexer.key_length": architecture === "qwen4exp" ? headSize : 128,
    "attention.indexer.top_k": 8,
    "attention.indexer.block_size": 4,
    "attention.indexer.local_blocks": 1,
    "rope.dimension_sections": [headSize / 4, headSize / 4, headSize / 4, headSize / 4],
  });
  keys.floats({
    "attention.max_alibi_bias": 8,
    "attention.clamp_kqv": 1,
    "attention.layer_norm_epsilon": 1e-5,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "attention.group_norm_epsilon": 1e-5,
  });
  if (mla.includes(architecture)) describeLatentAttention(keys, architecture, layers);
  if (architecture === "minimax-m3") keys.integers({ "rope.dimension_count": 64 });
  if (architecture === "gemma4-assistant") keys.integers({ embedding_length_out: 2 * hidden });
  if (architecture === "plm")
    keys.integers({
      "attention.key_length": 192,
      "attention.value_length": 128,
      "rope.dimension_count": 64,
    });
  if (architecture.startsWith("gemma4")) {
    keys.integers({
      embedding_length_per_layer_input: hidden / 2,
      "attention.shared_kv_layers": 0,
      "attention.key_length_swa": headSize,
      "attention.value_length_swa": headSize,
    });
    keys.floats({ "rope.freq_base_swa": 10_000 });
  }
}

function describeLatentAttention(keys: Keys, architecture: string, layers: number): void {
  keys.integers({
    "attention.key_length": 576,
    "attention.value_length": 512,
    "rope.dimension_count": 64,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
  });
  if (architecture !== "dots3note") return;
  keys.integers({
    "attention.kv_lora_rank_swa": 512,
    "attention.key_length_swa": 576,
    "attention.value_length_swa": 512,
    "attention.key_length_mla_swa": 192,
    "attention.value_length_mla_swa": 128,
    // An indexer where a layer sees everything.
    "attention.indexer.types": Array.from({ length: layers }, (_, layer) => 1 - (layer % 2)),
  });
  keys.floats({ "rope.freq_base_swa": 10_000 });
}

function describeState(keys: Keys, architecture: string, { hidden, heads }: Sizes): void {
  keys.integers({
    time_mix_extra_dim: 64,
    time_decay_extra_dim: 128,
    "wkv.head_size": hidden / heads,
    "adapters.count": 2,
    "adapters.lora_rank": 4,
    "adapters.token_ids_activate": [300, 301],
    "adapters.token_ids_substitute": [302, 303],
    "attention.decay_lora_rank": 32,
    "attention.iclr_lora_rank": 32,
    "attention.value_residual_mix_lora_rank": 32,
    "attention.gate_lora_rank": 32,
    token_shift_count: ofOneShift.includes(architecture) ? 1 : 2,
    "shortconv.l_cache": 3,
    "ssm.inner_size": deltaNet.includes(architecture) ? 256 : 2 * hidden,
    "ssm.conv_kernel": 4,
    "ssm.state_size": 128,
    "ssm.time_step_rank": heads,
    "ssm.group_count": architecture === "plamo2" ? 0 : 2,
    "kda.head_dim": 128,
  });
  keys.booleans({ "kda.safe_gate": true });
  keys.floats({ "kda.gate_lower_bound": -5 });
}

function describeDeepseek4(keys: Keys): void {
  keys.integers({
    "attention.key_length": 64,
    "attention.value_length": 64,
    "rope.dimension_count": 32,
    "attention.output_group_count": 8,
    "attention.output_lora_rank": 32,
    "attention.compress_ratios": [0, 0, 4, 128],
    "hyper_connection.count": 4,
    "hyper_connection.sinkhorn_iterations": 2,
    hash_layer_count: 0,
  });
  keys.floats({
    "attention.compress_rope_freq_base": 160_000,
    "hyper_connection.epsilon": 1e-6,
    swiglu_clamp_exp: 10,
    expert_weights_scale: 1,
  });
  keys.booleans({ expert_weights_norm: true });
}

function describeQwen4(keys: Keys, { hidden, layers }: Sizes): void {
  const heads = 4;
  keys.integers({
    "hyper_connection.count": 4,
    "hyper_connection.low_rank": 8,
    "attention.compress_ratios": Array.from({ length: layers }, () => 4),
    "ple.layers": [0],
    "ple.ngram_size": 3,
    "ple.heads_per_ngram": 2,
    "ple.conv_kernel": 4,
    "ple.eos_token_id": 0,
    embedding_length_per_layer_input: hidden / heads,
  });
  keys.longs({
    "ple.layer_multipliers": [1, 3, 5],
    "ple.head_offsets": Array.from({ length: heads }, (_, head) => head * VOCABULARY),
    "ple.head_vocab_sizes": Array.from({ length: heads }, () => VOCABULARY),
  });
}

/** Both experts are used: which of two a random router prefers is decided by rounding, for each batch anew. */
function describeExperts(keys: Keys, architecture: string, { inner }: Sizes): void {
  keys.integers({
    expert_feed_forward_length: inner,
    expert_shared_feed_forward_length: inner / 2,
    expert_latent_length: inner,
    interleave_moe_layer_step: 2,
    expert_count: 2,
    expert_used_count: 2,
    expert_shared_count: 1,
    expert_gating_func: architecture === "deepseek4" ? 4 : 2,
    experts_per_group: 1,
  });
  keys.floats({ expert_group_scale: 1 });
  if (architecture === "bailingmoe3") keys.floats({ swiglu_clamp_exp: [0, 4], swiglu_clamp_shexp: [0, 5] });
}
