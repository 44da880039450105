import type { MetadataBuilder } from "../../gguf/metadata.ts";
import type { Architecture, TensorRule } from "./architecture.ts";
import { rule } from "./architecture.ts";
import type { ModelConfig } from "./model-config.ts";
import { describeRope, llama3FrequencyFactors } from "./rope.ts";

interface Variant {
  readonly name: "llama" | "qwen2" | "qwen3" | "qwen3moe" | "smollm3" | "granite" | "olmo2" | "phi3";
  /** llama.cpp rotates neighbouring pairs for `llama` and its kin, halves (as Hugging Face does) for the others. */
  readonly rotatesNeighbours: boolean;
  /** RMS norms of queries and keys: of each head, or of all heads as one row. */
  readonly queryNorms?: "heads" | "rows";
  /** Norms stand behind attention and feed-forward, and not before. */
  readonly normsAfter?: true;
  /** The feed-forward is one of several experts. */
  readonly hasExperts?: true;
  /** Factors of embeddings, attention, residuals and logits, from the configuration. */
  readonly hasMultipliers?: true;
  /** Queries, keys and values are one matrix, and so are gate and feed-forward. */
  readonly isFused?: true;
  /** llama.cpp leaves out the rotation in each layer whose number, from 1, this divides. */
  readonly unrotatedEvery?: number;
}

interface Shape {
  readonly hidden: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly experts: number;
  readonly expertFeedForward: number;
}

function shapeOf(config: ModelConfig, { hasExperts }: Variant): Shape {
  const hidden = config.size("hidden_size");
  const heads = config.size("num_attention_heads");
  const kvHeads = config.optionalSize("num_key_value_heads") ?? heads;
  const headSize = config.optionalSize("head_dim") ?? hidden / heads;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0) {
    config.refuse(`hidden_size ${hidden} and num_attention_heads ${heads} give no even head size`);
  }
  if (heads % kvHeads !== 0) config.refuse("num_attention_heads is not a multiple of num_key_value_heads");
  return {
    hidden,
    feedForward: config.size("intermediate_size"),
    layers: config.size("num_hidden_layers"),
    heads,
    kvHeads,
    headSize,
    vocabulary: config.size("vocab_size"),
    experts: hasExperts ? config.size("num_experts", "num_local_experts") : 0,
    expertFeedForward: hasExperts ? config.size("moe_intermediate_size") : 0,
  };
}

/**
 * The decoder that Llama, Mistral, SmolLM, Qwen, Granite and OLMo 2 share: RMS norms around attention and a gated
 * (SiLU) feed-forward, rotary positions, grouped key-value heads. Names as in llama.cpp's `llama-arch.cpp`.
 */
function gatedDecoder(variant: Variant): Architecture {
  return {
    name: variant.name,
    vocabularySize: (config) => config.size("vocab_size"),
    describe(config, metadata) {
      const shape = shapeOf(config, variant);
      const activation = config.text("hidden_act") ?? "silu";
      if (activation !== "silu") config.unsupported(`the activation ${activation}`);
      if (config.flag("use_sliding_window"))
        config.unsupported("sliding-window attention (use_sliding_window)");
      const at = variant.name;
      metadata
        .uint32(`${at}.vocab_size`, shape.vocabulary)
        .uint32(`${at}.context_length`, config.size("max_position_embeddings"))
        .uint32(`${at}.embedding_length`, shape.hidden)
        .uint32(`${at}.block_count`, shape.layers)
        .uint32(`${at}.feed_forward_length`, shape.feedForward)
        .uint32(`${at}.attention.head_count`, shape.heads)
        .uint32(`${at}.attention.head_count_kv`, shape.kvHeads)
        .uint32(`${at}.attention.key_length`, shape.headSize)
        .uint32(`${at}.attention.value_length`, shape.headSize)
        .float32(`${at}.attention.layer_norm_rms_epsilon`, config.number("rms_norm_eps", 1e-6));
      describeRope(config, metadata, at, shape.headSize);
      if (variant.hasExperts) describeExperts(config, metadata, variant, shape);
      if (variant.hasMultipliers) describeMultipliers(config, metadata, variant);
      if (variant.unrotatedEvery !== undefined) checkUnrotated(config, variant.unrotatedEvery, shape.layers);
    },
    rules(config) {
      const shape = shapeOf(config, variant);
      return [
        rule("token_embd.weight", "model.embed_tokens.weight", [shape.vocabulary, shape.hidden]),
        ...Array.from({ length: shape.layers }, (_, layer) => blockRules(variant, shape, layer)).flat(),
        rule("output_norm.weight", "model.norm.weight", [shape.hidden]),
        ...outputRules(config, shape),
      ];
    },
    computed(config) {
      const values = llama3FrequencyFactors(config, shapeOf(config, variant).headSize);
      return values ? [{ name: "rope_freqs.weight", values }] : [];
    },
    ignores: (source) => source === "lm_head.weight" || source.endsWith(".rotary_emb.inv_freq"),
  };
}

/** Tied embeddings have no output matrix of their own: the engine then uses the token embeddings. */
function outputRules(config: ModelConfig, shape: Shape): readonly TensorRule[] {
  const tied = config.flag("tie_word_embeddings");
  if (tied === true) return [];
  return [
    rule("output.weight", "lm_head.weight", [shape.vocabulary, shape.hidden], {
      optional: tied === undefined,
    }),
  ];
}

function blockRules(variant: Variant, shape: Shape, layer: number): readonly TensorRule[] {
  const { hidden, feedForward, headSize } = shape;
  const queries = shape.heads * headSize;
  const keys = shape.kvHeads * headSize;
  const to = `blk.${layer}`;
  const from = `model.layers.${layer}`;
  const optional = true;
  const layout = variant.rotatesNeighbours
    ? ({ kind: "rotary-neighbours", headRows: headSize } as const)
    : ({ kind: "same" } as const);
  const normalized = { heads: [headSize, headSize], rows: [queries, keys] } as const;
  const [queryRow, keyRow] = variant.queryNorms === undefined ? [] : normalized[variant.queryNorms];
  const queryNorms =
    queryRow === undefined || keyRow === undefined
      ? []
      : [
          rule(`${to}.attn_q_norm.weight`, `${from}.self_attn.q_norm.weight`, [queryRow]),
          rule(`${to}.attn_k_norm.weight`, `${from}.self_attn.k_norm.weight`, [keyRow]),
        ];
  const [attentionNorm, feedForwardNorm] = variant.normsAfter
    ? [
        rule(`${to}.post_attention_norm.weight`, `${from}.post_attention_layernorm.weight`, [hidden]),
        rule(`${to}.post_ffw_norm.weight`, `${from}.post_feedforward_layernorm.weight`, [hidden]),
      ]
    : [
        rule(`${to}.attn_norm.weight`, `${from}.input_layernorm.weight`, [hidden]),
        rule(`${to}.ffn_norm.weight`, `${from}.post_attention_layernorm.weight`, [hidden]),
      ];
  if (variant.isFused)
    return [
      attentionNorm,
      rule(`${to}.attn_qkv.weight`, `${from}.self_attn.qkv_proj.weight`, [queries + 2 * keys, hidden]),
      rule(`${to}.attn_output.weight`, `${from}.self_attn.o_proj.weight`, [hidden, queries]),
      feedForwardNorm,
      rule(`${to}.ffn_up.weight`, `${from}.mlp.gate_up_proj.weight`, [2 * feedForward, hidden]),
      rule(`${to}.ffn_down.weight`, `${from}.mlp.down_proj.weight`, [hidden, feedForward]),
    ];
  return [
    attentionNorm,
    rule(`${to}.attn_q.weight`, `${from}.self_attn.q_proj.weight`, [queries, hidden], { layout }),
    rule(`${to}.attn_q.bias`, `${from}.self_attn.q_proj.bias`, [queries], { layout, optional }),
    rule(`${to}.attn_k.weight`, `${from}.self_attn.k_proj.weight`, [keys, hidden], { layout }),
    rule(`${to}.attn_k.bias`, `${from}.self_attn.k_proj.bias`, [keys], { layout, optional }),
    rule(`${to}.attn_v.weight`, `${from}.self_attn.v_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_v.bias`, `${from}.self_attn.v_proj.bias`, [keys], { optional }),
    rule(`${to}.attn_output.weight`, `${from}.self_attn.o_proj.weight`, [hidden, queries]),
    ...(variant.name === "llama" || variant.name === "granite"
      ? [rule(`${to}.attn_output.bias`, `${from}.self_attn.o_proj.bias`, [hidden], { optional })]
      : []),
    ...queryNorms,
    feedForwardNorm,
    ...(variant.hasExperts
      ? expertRules(shape, to, from)
      : [
          rule(`${to}.ffn_gate.weight`, `${from}.mlp.gate_proj.weight`, [feedForward, hidden]),
          rule(`${to}.ffn_up.weight`, `${from}.mlp.up_proj.weight`, [feedForward, hidden]),
          rule(`${to}.ffn_down.weight`, `${from}.mlp.down_proj.weight`, [hidden, feedForward]),
        ]),
  ];
}

function expertRules({ hidden, experts, expertFeedForward }: Shape, to: string, from: string) {
  const ofAll = (name: string) =>
    Array.from({ length: experts }, (_, expert) => `${from}.mlp.experts.${expert}.${name}.weight`);
  return [
    rule(`${to}.ffn_gate_inp.weight`, `${from}.mlp.gate.weight`, [experts, hidden]),
    rule(`${to}.ffn_gate_exps.weight`, ofAll("gate_proj"), [experts, expertFeedForward, hidden]),
    rule(`${to}.ffn_up_exps.weight`, ofAll("up_proj"), [experts, expertFeedForward, hidden]),
    rule(`${to}.ffn_down_exps.weight`, ofAll("down_proj"), [experts, hidden, expertFeedForward]),
  ];
}

function describeExperts(
  config: ModelConfig,
  metadata: MetadataBuilder,
  { name }: Variant,
  { experts, expertFeedForward }: Shape,
): void {
  if ((config.optionalSize("decoder_sparse_step") ?? 1) !== 1 || config.hasItems("mlp_only_layers"))
    config.unsupported("layers without experts among those that have them");
  // llama.cpp scales the weights of the chosen experts to a sum of 1.
  if (config.flag("norm_topk_prob") !== true) config.unsupported("experts whose weights are not normalized");
  metadata
    .uint32(`${name}.expert_count`, experts)
    .uint32(`${name}.expert_used_count`, config.size("num_experts_per_tok"))
    .uint32(`${name}.expert_feed_forward_length`, expertFeedForward);
}

function describeMultipliers(config: ModelConfig, metadata: MetadataBuilder, { name }: Variant): void {
  metadata
    .float32(`${name}.embedding_scale`, config.number("embedding_multiplier", 1))
    .float32(`${name}.attention.scale`, config.number("attention_multiplier", 1))
    .float32(`${name}.residual_scale`, config.number("residual_multiplier", 1))
    .float32(`${name}.logit_scale`, config.number("logits_scaling", 1));
}

/** SmolLM3's list has a 1 for each layer that is rotated; without it an interval tells. */
function checkUnrotated(config: ModelConfig, every: number, layers: number): void {
  const interval = config.optionalSize("no_rope_layer_interval") ?? every;
  const listed = config.numbers("no_rope_layers");
  const isRotated = (layer: number) =>
    listed === undefined ? (layer + 1) % interval !== 0 : listed[layer] === 1;
  for (let layer = 0; layer < layers; layer++) {
    if (isRotated(layer) !== ((layer + 1) % every !== 0))
      config.unsupported(`layers without rotary positions other than each ${every}th (no_rope_layers)`);
  }
}

export const llama = gatedDecoder({ name: "llama", rotatesNeighbours: true });
export const qwen2 = gatedDecoder({ name: "qwen2", rotatesNeighbours: false });
export const qwen3 = gatedDecoder({ name: "qwen3", rotatesNeighbours: false, queryNorms: "heads" });
export const qwen3moe = gatedDecoder({
  name: "qwen3moe",
  rotatesNeighbours: false,
  queryNorms: "heads",
  hasExperts: true,
});
export const smollm3 = gatedDecoder({ name: "smollm3", rotatesNeighbours: true, unrotatedEvery: 4 });
export const granite = gatedDecoder({ name: "granite", rotatesNeighbours: true, hasMultipliers: true });
export const olmo2 = gatedDecoder({
  name: "olmo2",
  rotatesNeighbours: false,
  queryNorms: "rows",
  normsAfter: true,
});
export const phi3 = gatedDecoder({ name: "phi3", rotatesNeighbours: false, isFused: true });
