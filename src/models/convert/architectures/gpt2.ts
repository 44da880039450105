import { type Architecture, rule, type TensorRule } from "./architecture.ts";
import type { ModelConfig } from "./model-config.ts";

interface Shape {
  readonly hidden: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
}

function shapeOf(config: ModelConfig): Shape {
  const hidden = config.size("n_embd");
  return {
    hidden,
    feedForward: config.optionalSize("n_inner") ?? 4 * hidden,
    layers: config.size("n_layer"),
    heads: config.size("n_head"),
    context: config.size("n_positions", "n_ctx"),
    vocabulary: config.size("vocab_size"),
  };
}

/** All of them are the tanh approximation of GELU, which is what the engine computes. */
const tanhGelus = new Set(["gelu_new", "gelu_pytorch_tanh", "gelu_fast"]);

/** GPT-2: learned positions, LayerNorm with bias, fused query-key-value, weights stored as Conv1D ([in, out]). */
export const gpt2: Architecture = {
  name: "gpt2",
  vocabularySize: (config) => config.size("vocab_size"),
  describe(config, metadata) {
    const shape = shapeOf(config);
    if (shape.hidden % shape.heads !== 0) config.refuse("n_embd is not a multiple of n_head");
    const activation = config.text("activation_function") ?? "gelu_new";
    if (!tanhGelus.has(activation)) config.unsupported(`the activation ${activation}`);
    if (config.flag("scale_attn_by_inverse_layer_idx")) config.unsupported("attention scaled by layer");
    if (config.flag("scale_attn_weights") === false) config.unsupported("unscaled attention");
    if (config.flag("add_cross_attention")) config.unsupported("cross attention");
    metadata
      .uint32("gpt2.vocab_size", shape.vocabulary)
      .uint32("gpt2.context_length", shape.context)
      .uint32("gpt2.embedding_length", shape.hidden)
      .uint32("gpt2.block_count", shape.layers)
      .uint32("gpt2.feed_forward_length", shape.feedForward)
      .uint32("gpt2.attention.head_count", shape.heads)
      .float32("gpt2.attention.layer_norm_epsilon", config.number("layer_norm_epsilon", 1e-5));
  },
  rules(config) {
    const shape = shapeOf(config);
    const { hidden } = shape;
    const isTied = config.flag("tie_word_embeddings") ?? true;
    return [
      rule("token_embd.weight", "wte.weight", [shape.vocabulary, hidden]),
      rule("position_embd.weight", "wpe.weight", [shape.context, hidden]),
      ...Array.from({ length: shape.layers }, (_, layer) => blockRules(shape, layer)).flat(),
      rule("output_norm.weight", "ln_f.weight", [hidden]),
      rule("output_norm.bias", "ln_f.bias", [hidden]),
      ...(isTied ? [] : [rule("output.weight", "lm_head.weight", [shape.vocabulary, hidden])]),
    ];
  },
  computed: () => [],
  // The causal masks that old checkpoints keep as buffers, and the tied copy of the embeddings.
  ignores: (source) => source === "lm_head.weight" || /^h\.\d+\.attn\.(masked_)?bias$/.test(source),
};

function blockRules({ hidden, feedForward }: Shape, layer: number): readonly TensorRule[] {
  const to = `blk.${layer}`;
  const from = `h.${layer}`;
  const layout = { kind: "transposed" } as const;
  return [
    rule(`${to}.attn_norm.weight`, `${from}.ln_1.weight`, [hidden]),
    rule(`${to}.attn_norm.bias`, `${from}.ln_1.bias`, [hidden]),
    rule(`${to}.attn_qkv.weight`, `${from}.attn.c_attn.weight`, [hidden, 3 * hidden], { layout }),
    rule(`${to}.attn_qkv.bias`, `${from}.attn.c_attn.bias`, [3 * hidden]),
    rule(`${to}.attn_output.weight`, `${from}.attn.c_proj.weight`, [hidden, hidden], { layout }),
    rule(`${to}.attn_output.bias`, `${from}.attn.c_proj.bias`, [hidden]),
    rule(`${to}.ffn_norm.weight`, `${from}.ln_2.weight`, [hidden]),
    rule(`${to}.ffn_norm.bias`, `${from}.ln_2.bias`, [hidden]),
    rule(`${to}.ffn_up.weight`, `${from}.mlp.c_fc.weight`, [hidden, feedForward], { layout }),
    rule(`${to}.ffn_up.bias`, `${from}.mlp.c_fc.bias`, [feedForward]),
    rule(`${to}.ffn_down.weight`, `${from}.mlp.c_proj.weight`, [feedForward, hidden], { layout }),
    rule(`${to}.ffn_down.bias`, `${from}.mlp.c_proj.bias`, [hidden]),
  ];
}
