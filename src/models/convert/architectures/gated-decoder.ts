import type { Architecture, TensorRule } from "./architecture.ts";
import { rule } from "./architecture.ts";
import type { ModelConfig } from "./model-config.ts";
import { describeRope, llama3FrequencyFactors } from "./rope.ts";

interface Variant {
  readonly name: "llama" | "qwen2" | "qwen3";
  /** llama.cpp rotates neighbouring pairs for `llama`, halves (as Hugging Face does) for the others. */
  readonly rotatesNeighbours: boolean;
  readonly normalizesQueriesAndKeys: boolean;
}

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
  };
}

/**
 * The decoder that Llama, Mistral, SmolLM, Qwen2 and Qwen3 share: RMS norms before attention and before a gated
 * (SiLU) feed-forward, rotary positions, grouped key-value heads. Names as in llama.cpp's `llama-arch.cpp`.
 */
function gatedDecoder(variant: Variant): Architecture {
  return {
    name: variant.name,
    vocabularySize: (config) => config.size("vocab_size"),
    describe(config, metadata) {
      const shape = shapeOf(config);
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
    },
    rules(config) {
      const shape = shapeOf(config);
      return [
        rule("token_embd.weight", "model.embed_tokens.weight", [shape.vocabulary, shape.hidden]),
        ...Array.from({ length: shape.layers }, (_, layer) => blockRules(variant, shape, layer)).flat(),
        rule("output_norm.weight", "model.norm.weight", [shape.hidden]),
        ...outputRules(config, shape),
      ];
    },
    computed(config) {
      const values = llama3FrequencyFactors(config, shapeOf(config).headSize);
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
  const headNorms = variant.normalizesQueriesAndKeys
    ? [
        rule(`${to}.attn_q_norm.weight`, `${from}.self_attn.q_norm.weight`, [headSize]),
        rule(`${to}.attn_k_norm.weight`, `${from}.self_attn.k_norm.weight`, [headSize]),
      ]
    : [];
  return [
    rule(`${to}.attn_norm.weight`, `${from}.input_layernorm.weight`, [hidden]),
    rule(`${to}.attn_q.weight`, `${from}.self_attn.q_proj.weight`, [queries, hidden], { layout }),
    rule(`${to}.attn_q.bias`, `${from}.self_attn.q_proj.bias`, [queries], { layout, optional }),
    rule(`${to}.attn_k.weight`, `${from}.self_attn.k_proj.weight`, [keys, hidden], { layout }),
    rule(`${to}.attn_k.bias`, `${from}.self_attn.k_proj.bias`, [keys], { layout, optional }),
    rule(`${to}.attn_v.weight`, `${from}.self_attn.v_proj.weight`, [keys, hidden]),
    rule(`${to}.attn_v.bias`, `${from}.self_attn.v_proj.bias`, [keys], { optional }),
    rule(`${to}.attn_output.weight`, `${from}.self_attn.o_proj.weight`, [hidden, queries]),
    ...(variant.name === "llama"
      ? [rule(`${to}.attn_output.bias`, `${from}.self_attn.o_proj.bias`, [hidden], { optional })]
      : []),
    ...headNorms,
    rule(`${to}.ffn_norm.weight`, `${from}.post_attention_layernorm.weight`, [hidden]),
    rule(`${to}.ffn_gate.weight`, `${from}.mlp.gate_proj.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_up.weight`, `${from}.mlp.up_proj.weight`, [feedForward, hidden]),
    rule(`${to}.ffn_down.weight`, `${from}.mlp.down_proj.weight`, [hidden, feedForward]),
  ];
}

export const llama = gatedDecoder({
  name: "llama",
  rotatesNeighbours: true,
  normalizesQueriesAndKeys: false,
});
export const qwen2 = gatedDecoder({
  name: "qwen2",
  rotatesNeighbours: false,
  normalizesQueriesAndKeys: false,
});
export const qwen3 = gatedDecoder({
  name: "qwen3",
  rotatesNeighbours: false,
  normalizesQueriesAndKeys: true,
});
