import { type Architecture, rule, type TensorRule } from "./architecture.ts";
import type { ModelConfig } from "./model-config.ts";

/** Of each so many layers the last sees everything, the others a window; llama.cpp's default for `gemma3`. */
const PERIOD = 6;

interface Shape {
  readonly hidden: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
}

function shapeOf(config: ModelConfig): Shape {
  return {
    hidden: config.size("hidden_size"),
    feedForward: config.size("intermediate_size"),
    layers: config.size("num_hidden_layers"),
    heads: config.size("num_attention_heads"),
    kvHeads: config.size("num_key_value_heads"),
    headSize: config.size("head_dim"),
    vocabulary: config.size("vocab_size"),
  };
}

/**
 * Gemma 3's text models: RMS norms before and after attention and feed-forward, whose weights are stored less 1,
 * a GELU gate, embeddings scaled by the root of their length (by the engine), and windows with rotary positions of
 * their own.
 */
export const gemma3: Architecture = {
  name: "gemma3",
  vocabularySize: (config) => config.size("vocab_size"),
  describe(config, metadata) {
    const shape = shapeOf(config);
    checkSupported(config, shape);
    metadata
      .uint32("gemma3.vocab_size", shape.vocabulary)
      .uint32("gemma3.context_length", config.size("max_position_embeddings"))
      .uint32("gemma3.embedding_length", shape.hidden)
      .uint32("gemma3.block_count", shape.layers)
      .uint32("gemma3.feed_forward_length", shape.feedForward)
      .uint32("gemma3.attention.head_count", shape.heads)
      .uint32("gemma3.attention.head_count_kv", shape.kvHeads)
      .uint32("gemma3.attention.key_length", shape.headSize)
      .uint32("gemma3.attention.value_length", shape.headSize)
      .uint32("gemma3.attention.sliding_window", config.size("sliding_window"))
      .float32("gemma3.attention.layer_norm_rms_epsilon", config.number("rms_norm_eps", 1e-6))
      .uint32("gemma3.rope.dimension_count", shape.headSize)
      .float32("gemma3.rope.freq_base", config.number("rope_theta", 1_000_000))
      .float32("gemma3.rope.freq_base_swa", config.number("rope_local_base_freq", 10_000));
  },
  rules(config) {
    const shape = shapeOf(config);
    return [
      rule("token_embd.weight", "model.embed_tokens.weight", [shape.vocabulary, shape.hidden]),
      ...Array.from({ length: shape.layers }, (_, layer) => blockRules(shape, layer)).flat(),
      normRule("output_norm.weight", "model.norm.weight", shape.hidden),
    ];
  },
  computed: () => [],
  ignores: (source) => source === "lm_head.weight" || source.endsWith(".rotary_emb.inv_freq"),
};

function checkSupported(config: ModelConfig, { headSize, layers }: Shape): void {
  const activation = config.text("hidden_activation") ?? config.text("hidden_act") ?? "gelu_pytorch_tanh";
  if (activation !== "gelu_pytorch_tanh") config.unsupported(`the activation ${activation}`);
  if (config.flag("tie_word_embeddings") === false) config.unsupported("an output matrix of its own");
  for (const key of ["attn_logit_softcapping", "final_logit_softcapping"])
    if (config.number(key, 0) !== 0) config.unsupported(`soft-capped logits (${key})`);
  // The engine scales attention by the head's size, but for one size of 62 layers.
  if (config.number("query_pre_attn_scalar", headSize) !== headSize || layers === 62)
    config.unsupported("attention scaled by another number than the head's size (query_pre_attn_scalar)");
  if (config.object("rope_scaling") !== undefined || config.object("rope_parameters") !== undefined)
    config.unsupported("scaled rotary positions, or those of transformers 5 (rope_scaling, rope_parameters)");
  if (config.flag("attention_bias") === true) config.unsupported("attention biases");
  const period = config.optionalSize("sliding_window_pattern", "_sliding_window_pattern") ?? PERIOD;
  const types = config.texts("layer_types");
  const isRegular = (type: string, layer: number) =>
    type === ((layer + 1) % PERIOD === 0 ? "full_attention" : "sliding_attention");
  if (period !== PERIOD || types?.every(isRegular) === false)
    config.unsupported(`windows other than in five of six layers (sliding_window_pattern)`);
}

function normRule(name: string, source: string, size: number): TensorRule {
  return rule(name, source, [size], { layout: { kind: "plus-one" } });
}

function blockRules({ hidden, feedForward, heads, kvHeads, headSize }: Shape, layer: number): TensorRule[] {
  const [queries, keys] = [heads * headSize, kvHeads * headSize];
  const to = `blk.${layer}`;
  const from = `model.layers.${layer}`;
  return [
    normRule(`${to}.attn_norm.weight`, `${from}.input_layernorm.weight`, hidden),
    rule(`${to}.attn_q.weight`, `${from}.self_attn.q_proj.weight`, [queries, hidden]),
    rule(`${to}.attn_k.weight`, `${from}.self_attn.k_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_v.weight`, `${from}.self_attn.v_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_output.weight`, `${from}.self_attn.o_proj.weight`, [hidden, queries]),
    normRule(`${to}.attn_q_norm.weight`, `${from}.self_attn.q_norm.weight`, headSize),
    normRule(`${to}.attn_k_norm.weight`, `${from}.self_attn.k_norm.weight`, headSize),
    normRule(`${to}.post_attention_norm.weight`, `${from}.post_attention_layernorm.weight`, hidden),
    normRule(`${to}.ffn_norm.weight`, `${from}.pre_feedforward_layernorm.weight`, hidden),
    rule(`${to}.ffn_gate.weight`, `${from}.mlp.gate_proj.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_up.weight`, `${from}.mlp.up_proj.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_down.weight`, `${from}.mlp.down_proj.weight`, [hidden, feedForward]),
    normRule(`${to}.post_ffw_norm.weight`, `${from}.post_feedforward_layernorm.weight`, hidden),
  ];
}
