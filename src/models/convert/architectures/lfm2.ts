import { type Architecture, rule, type TensorRule } from "./architecture.ts";
import type { ModelConfig } from "./model-config.ts";
import { describeRope } from "./rope.ts";

interface Shape {
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  /** Tokens that a convolution sees, its own among them. */
  readonly kernel: number;
  /** Whether each layer has attention; the others have convolutions. */
  readonly attends: readonly boolean[];
}

function shapeOf(config: ModelConfig): Shape {
  const hidden = config.size("hidden_size");
  const heads = config.size("num_attention_heads");
  if (hidden % heads !== 0) config.refuse("hidden_size is not a multiple of num_attention_heads");
  return {
    hidden,
    feedForward: feedForwardOf(config),
    heads,
    kvHeads: config.size("num_key_value_heads"),
    headSize: hidden / heads,
    vocabulary: config.size("vocab_size"),
    kernel: config.size("conv_L_cache"),
    attends: layersOf(config),
  };
}

/** The configured length is that of a feed-forward without a gate; with one, two thirds of it, rounded up. */
function feedForwardOf(config: ModelConfig): number {
  const length = config.size("block_ff_dim", "intermediate_size");
  if (config.flag("block_auto_adjust_ff_dim") === false) return length;
  const scaled = Math.floor(config.number("block_ffn_dim_multiplier", 1) * Math.floor((2 * length) / 3));
  const multiple = config.optionalSize("block_multiple_of") ?? 256;
  return multiple * Math.ceil(scaled / multiple);
}

function layersOf(config: ModelConfig): readonly boolean[] {
  const layers = config.size("num_hidden_layers");
  const indexes = config.numbers("full_attn_idxs");
  const types =
    config.texts("layer_types") ??
    (indexes &&
      Array.from({ length: layers }, (_, layer) => (indexes.includes(layer) ? "full_attention" : "conv")));
  if (types?.length !== layers) config.refuse("layer_types names no type for each layer");
  const odd = types.find((type) => type !== "conv" && type !== "full_attention");
  if (odd !== undefined) config.unsupported(`layers of the type ${odd}`);
  return types.map((type) => type === "full_attention");
}

/** LFM2: short gated convolutions, and attention with normed queries and keys in some layers. */
export const lfm2: Architecture = {
  name: "lfm2",
  vocabularySize: (config) => config.size("vocab_size"),
  describe(config, metadata) {
    const shape = shapeOf(config);
    if (config.flag("conv_bias") === true) config.unsupported("convolutions with biases (conv_bias)");
    if (config.flag("tie_embedding") === false || config.flag("tie_word_embeddings") === false)
      config.unsupported("an output matrix of its own");
    metadata
      .uint32("lfm2.vocab_size", shape.vocabulary)
      .uint32("lfm2.context_length", config.size("max_position_embeddings"))
      .uint32("lfm2.embedding_length", shape.hidden)
      .uint32("lfm2.block_count", shape.attends.length)
      .uint32("lfm2.feed_forward_length", shape.feedForward)
      .uint32("lfm2.attention.head_count", shape.heads)
      // No heads are what tells llama.cpp of a convolution.
      .int32s(
        "lfm2.attention.head_count_kv",
        shape.attends.map((attends) => (attends ? shape.kvHeads : 0)),
      )
      .uint32("lfm2.shortconv.l_cache", shape.kernel)
      .float32("lfm2.attention.layer_norm_rms_epsilon", config.number("norm_eps", 1e-5));
    describeRope(config, metadata, "lfm2", shape.headSize);
  },
  rules(config) {
    const shape = shapeOf(config);
    return [
      rule("token_embd.weight", "model.embed_tokens.weight", [shape.vocabulary, shape.hidden]),
      ...shape.attends.flatMap((_, layer) => blockRules(shape, layer)),
      // llama.cpp's name for the norm before the output matrix.
      rule("token_embd_norm.weight", "model.embedding_norm.weight", [shape.hidden]),
    ];
  },
  computed: () => [],
  ignores: (source) => source === "lm_head.weight" || source.endsWith(".inv_freq"),
};

function blockRules(shape: Shape, layer: number): readonly TensorRule[] {
  const { hidden, feedForward } = shape;
  const to = `blk.${layer}`;
  const from = `model.layers.${layer}`;
  return [
    rule(`${to}.attn_norm.weight`, `${from}.operator_norm.weight`, [hidden]),
    ...(shape.attends[layer] ? attentionRules(shape, to, from) : convolutionRules(shape, to, from)),
    rule(`${to}.ffn_norm.weight`, `${from}.ffn_norm.weight`, [hidden]),
    rule(`${to}.ffn_gate.weight`, `${from}.feed_forward.w1.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_up.weight`, `${from}.feed_forward.w3.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_down.weight`, `${from}.feed_forward.w2.weight`, [hidden, feedForward]),
  ];
}

function attentionRules({ hidden, kvHeads, headSize }: Shape, to: string, from: string): TensorRule[] {
  const keys = kvHeads * headSize;
  return [
    rule(`${to}.attn_q.weight`, `${from}.self_attn.q_proj.weight`, [hidden, hidden]),
    rule(`${to}.attn_k.weight`, `${from}.self_attn.k_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_v.weight`, `${from}.self_attn.v_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_output.weight`, `${from}.self_attn.out_proj.weight`, [hidden, hidden]),
    rule(`${to}.attn_q_norm.weight`, `${from}.self_attn.q_layernorm.weight`, [headSize]),
    rule(`${to}.attn_k_norm.weight`, `${from}.self_attn.k_layernorm.weight`, [headSize]),
  ];
}

function convolutionRules({ hidden, kernel }: Shape, to: string, from: string): TensorRule[] {
  return [
    rule(`${to}.shortconv.conv.weight`, `${from}.conv.conv.weight`, [hidden, 1, kernel], {
      layout: { kind: "without-ones" },
    }),
    rule(`${to}.shortconv.in_proj.weight`, `${from}.conv.in_proj.weight`, [3 * hidden, hidden]),
    rule(`${to}.shortconv.out_proj.weight`, `${from}.conv.out_proj.weight`, [hidden, hidden]),
  ];
}
