import type { PreTokenizerName } from "./bpe-trainer.ts";

export type Family =
  | "gpt2"
  | "llama"
  | "mistral"
  | "smollm"
  | "qwen2"
  | "qwen3"
  | "qwen3moe"
  | "smollm3"
  | "granite"
  | "olmo2"
  | "phi3"
  | "gemma3"
  | "lfm2";

export type TestConfig = Readonly<Record<string, unknown>>;

export const merges = 200;
export const specialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const vocabularySize = specialTokens.length + 256 + merges;

export const preTokenizerOf = {
  gpt2: "gpt-2",
  llama: "llama-3",
  mistral: "llama-3",
  smollm: "smollm",
  qwen2: "qwen2",
  qwen3: "qwen2",
  qwen3moe: "qwen2",
  smollm3: "llama-3",
  granite: "smollm",
  olmo2: "gpt-2",
  phi3: "gpt-2",
  gemma3: "gpt-2",
  lfm2: "llama-3",
} as const satisfies Record<Family, PreTokenizerName>;

const sharedConfig = {
  vocab_size: vocabularySize + 5, // embeddings are often padded beyond the tokenizer
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 48,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: "silu",
  bos_token_id: 0,
  eos_token_id: 0,
};

export const configOf = {
  gpt2: {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: "gelu_new",
    vocab_size: vocabularySize,
    n_embd: 64,
    n_layer: 2,
    n_head: 4,
    n_positions: 48,
    n_ctx: 48,
    layer_norm_epsilon: 1e-5,
    bos_token_id: 0,
    eos_token_id: 0,
  },
  llama: {
    ...sharedConfig,
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    tie_word_embeddings: false,
  },
  mistral: {
    ...sharedConfig,
    architectures: ["MistralForCausalLM"],
    model_type: "mistral",
    sliding_window: null,
    head_dim: 16,
    tie_word_embeddings: false,
  },
  smollm: {
    ...sharedConfig,
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    tie_word_embeddings: true,
  },
  qwen2: {
    ...sharedConfig,
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    rope_theta: 1000000,
    use_sliding_window: false,
    sliding_window: 32768,
    tie_word_embeddings: true,
  },
  qwen3: {
    ...sharedConfig,
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    head_dim: 32,
    rope_theta: 1000000,
    attention_bias: false,
    tie_word_embeddings: true,
  },
  qwen3moe: {
    ...sharedConfig,
    architectures: ["Qwen3MoeForCausalLM"],
    model_type: "qwen3_moe",
    head_dim: 32,
    num_experts: 4,
    num_experts_per_tok: 2,
    moe_intermediate_size: 48,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
    norm_topk_prob: true,
    tie_word_embeddings: false,
  },
  smollm3: {
    ...sharedConfig,
    architectures: ["SmolLM3ForCausalLM"],
    model_type: "smollm3",
    // The fourth layer is the first without rotary positions.
    num_hidden_layers: 4,
    no_rope_layers: [1, 1, 1, 0],
    tie_word_embeddings: true,
  },
  granite: {
    ...sharedConfig,
    architectures: ["GraniteForCausalLM"],
    model_type: "granite",
    embedding_multiplier: 3,
    attention_multiplier: 0.2,
    residual_multiplier: 0.4,
    logits_scaling: 2,
    tie_word_embeddings: true,
  },
  phi3: {
    ...sharedConfig,
    architectures: ["Phi3ForCausalLM"],
    model_type: "phi3",
    sliding_window: null,
    partial_rotary_factor: 1,
    tie_word_embeddings: false,
  },
  gemma3: {
    ...sharedConfig,
    architectures: ["Gemma3ForCausalLM"],
    model_type: "gemma3_text",
    // The sixth layer is the first that sees more than the window.
    num_hidden_layers: 6,
    head_dim: 32,
    query_pre_attn_scalar: 32,
    hidden_activation: "gelu_pytorch_tanh",
    sliding_window: 8,
    rope_theta: 1000000,
    rope_local_base_freq: 10000,
    tie_word_embeddings: true,
  },
  lfm2: {
    ...sharedConfig,
    architectures: ["Lfm2ForCausalLM"],
    model_type: "lfm2",
    num_hidden_layers: 4,
    layer_types: ["conv", "conv", "full_attention", "conv"],
    conv_L_cache: 3,
    conv_bias: false,
    norm_eps: 1e-5,
    rope_theta: 1000000,
    // The feed-forward is 96 long.
    block_ff_dim: 120,
    block_auto_adjust_ff_dim: true,
    block_ffn_dim_multiplier: 1,
    block_multiple_of: 32,
    tie_word_embeddings: true,
  },
  olmo2: {
    ...sharedConfig,
    architectures: ["Olmo2ForCausalLM"],
    model_type: "olmo2",
    tie_word_embeddings: false,
  },
} as const satisfies Record<Family, TestConfig>;
