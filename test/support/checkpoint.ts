import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PreTokenizerName, trainTokenizer } from "./bpe-trainer.ts";
import {
  configOf,
  type Family,
  merges,
  preTokenizerOf,
  specialTokens,
  type TestConfig,
} from "./checkpoint-configs.ts";
import { SeededRandom } from "./random.ts";
import {
  roundTo,
  type StoredType,
  type TestTensor,
  type TestTensors,
  writeSafetensors,
} from "./safetensors.ts";
import { corpusLines } from "./text-corpus.ts";

export interface TestCheckpoint {
  readonly directory: string;
  readonly family: Family;
  readonly config: TestConfig;
  /** By Hugging Face's names, with exactly the values that were stored. */
  readonly tensors: TestTensors;
}

export interface CheckpointOptions {
  readonly family: Family;
  readonly type?: StoredType;
  readonly seed?: number;
  /** Overrides of config.json. */
  readonly config?: TestConfig;
  /** Files the weights are spread over, with an index; 1 is the single model.safetensors. */
  readonly shards?: number;
  /** `distilgpt2` has it, `gpt2` has not. */
  readonly gpt2Prefix?: string;
}

/** Writes a checkpoint as Hugging Face's `save_pretrained` would: real names, shapes and config keys, random weights. */
export function makeCheckpoint(directory: string, options: CheckpointOptions): TestCheckpoint {
  const { family, type = "F32" } = options;
  const config: TestConfig = { ...configOf[family], ...options.config };
  const random = new SeededRandom(options.seed ?? 1);
  const tensors = new Map<string, TestTensor>();
  const fill: Fill = (name, shape, spread, centre = 0) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
      roundTo(centre + spread * random.normal(), type),
    );
    tensors.set(name, { shape, values });
  };
  if (family === "gpt2") fillGpt2(config, options.gpt2Prefix ?? "", fill);
  else if (family === "lfm2") fillLfm2(config, fill);
  else fillGatedDecoder(family, config, fill);
  if (family === "phi3") fuse(tensors);
  mkdirSync(directory, { recursive: true });
  writeWeights(directory, tensors, type, options.shards ?? 1);
  writeJson(join(directory, "config.json"), config);
  writeTokenizer(directory, family);
  return { directory, family, config, tensors };
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, null, 2));
}

export function number(config: TestConfig, key: string): number {
  const value = config[key];
  if (typeof value !== "number") throw new TypeError(`${key} is not a number`);
  return value;
}

type Fill = (name: string, shape: readonly number[], spread: number, centre?: number) => void;

function fillGpt2(config: TestConfig, prefix: string, fill: Fill): void {
  const hidden = number(config, "n_embd");
  const inner = 4 * hidden;
  const context = number(config, "n_positions");
  const spread = 1 / Math.sqrt(hidden);
  fill(`${prefix}wte.weight`, [number(config, "vocab_size"), hidden], spread / 2);
  fill(`${prefix}wpe.weight`, [context, hidden], 0.1);
  for (let layer = 0; layer < number(config, "n_layer"); layer++) {
    const at = `${prefix}h.${layer}`;
    fill(`${at}.ln_1.weight`, [hidden], 0.1, 1);
    fill(`${at}.ln_1.bias`, [hidden], 0.1);
    // The causal mask that old checkpoints carry as a buffer.
    fill(`${at}.attn.bias`, [1, 1, context, context], 0, 1);
    fill(`${at}.attn.c_attn.weight`, [hidden, 3 * hidden], spread);
    fill(`${at}.attn.c_attn.bias`, [3 * hidden], 0.1);
    fill(`${at}.attn.c_proj.weight`, [hidden, hidden], spread);
    fill(`${at}.attn.c_proj.bias`, [hidden], 0.1);
    fill(`${at}.ln_2.weight`, [hidden], 0.1, 1);
    fill(`${at}.ln_2.bias`, [hidden], 0.1);
    fill(`${at}.mlp.c_fc.weight`, [hidden, inner], spread);
    fill(`${at}.mlp.c_fc.bias`, [inner], 0.1);
    fill(`${at}.mlp.c_proj.weight`, [inner, hidden], spread / 2);
    fill(`${at}.mlp.c_proj.bias`, [hidden], 0.1);
  }
  fill(`${prefix}ln_f.weight`, [hidden], 0.1, 1);
  fill(`${prefix}ln_f.bias`, [hidden], 0.1);
}

function fillGatedDecoder(family: Family, config: TestConfig, fill: Fill): void {
  const hidden = number(config, "hidden_size");
  const inner = number(config, "intermediate_size");
  const heads = number(config, "num_attention_heads");
  const headSize = typeof config["head_dim"] === "number" ? config["head_dim"] : hidden / heads;
  const queries = heads * headSize;
  const keys = number(config, "num_key_value_heads") * headSize;
  const spread = 1 / Math.sqrt(hidden);
  fill("model.embed_tokens.weight", [number(config, "vocab_size"), hidden], spread / 2);
  for (let layer = 0; layer < number(config, "num_hidden_layers"); layer++) {
    const at = `model.layers.${layer}`;
    // Gemma's are stored less 1.
    const centre = family === "gemma3" ? 0 : 1;
    if (family === "olmo2" || family === "gemma3")
      fill(`${at}.post_feedforward_layernorm.weight`, [hidden], 0.1, centre);
    if (family !== "olmo2") fill(`${at}.input_layernorm.weight`, [hidden], 0.1, centre);
    if (family === "gemma3") fill(`${at}.pre_feedforward_layernorm.weight`, [hidden], 0.1, centre);
    fill(`${at}.self_attn.q_proj.weight`, [queries, hidden], spread);
    fill(`${at}.self_attn.k_proj.weight`, [keys, hidden], spread);
    fill(`${at}.self_attn.v_proj.weight`, [keys, hidden], spread);
    if (family === "qwen2" || config["attention_bias"] === true) {
      fill(`${at}.self_attn.q_proj.bias`, [queries], 0.2);
      fill(`${at}.self_attn.k_proj.bias`, [keys], 0.2);
      fill(`${at}.self_attn.v_proj.bias`, [keys], 0.2);
    }
    if (family === "qwen3" || family === "qwen3moe" || family === "olmo2" || family === "gemma3") {
      const rows = family === "olmo2" ? [queries, keys] : [headSize, headSize];
      fill(`${at}.self_attn.q_norm.weight`, rows.slice(0, 1), 0.1, centre);
      fill(`${at}.self_attn.k_norm.weight`, rows.slice(1), 0.1, centre);
    }
    fill(`${at}.self_attn.o_proj.weight`, [hidden, queries], 1 / Math.sqrt(queries));
    fill(`${at}.post_attention_layernorm.weight`, [hidden], 0.1, centre);
    if (family === "qwen3moe") fillExperts(config, at, fill);
    else fillFeedForward(`${at}.mlp`, hidden, inner, fill);
  }
  fill("model.norm.weight", [hidden], 0.1, family === "gemma3" ? 0 : 1);
  if (config["tie_word_embeddings"] === false) {
    // A quarter of what gives logits a spread of one, so that the largest of hundreds stay near one.
    fill("lm_head.weight", [number(config, "vocab_size"), hidden], spread / 4);
  }
}

function fillLfm2(config: TestConfig, fill: Fill): void {
  const hidden = number(config, "hidden_size");
  const inner = number(config, "intermediate_size");
  const headSize = hidden / number(config, "num_attention_heads");
  const keys = number(config, "num_key_value_heads") * headSize;
  const spread = 1 / Math.sqrt(hidden);
  fill("model.embed_tokens.weight", [number(config, "vocab_size"), hidden], spread / 2);
  for (const [layer, type] of (config["layer_types"] as readonly string[]).entries()) {
    const at = `model.layers.${layer}`;
    fill(`${at}.operator_norm.weight`, [hidden], 0.1, 1);
    if (type === "conv") {
      fill(`${at}.conv.conv.weight`, [hidden, 1, number(config, "conv_L_cache")], 0.6);
      fill(`${at}.conv.in_proj.weight`, [3 * hidden, hidden], spread);
      fill(`${at}.conv.out_proj.weight`, [hidden, hidden], spread);
    } else {
      fill(`${at}.self_attn.q_proj.weight`, [hidden, hidden], spread);
      fill(`${at}.self_attn.k_proj.weight`, [keys, hidden], spread);
      fill(`${at}.self_attn.v_proj.weight`, [keys, hidden], spread);
      fill(`${at}.self_attn.out_proj.weight`, [hidden, hidden], spread);
      fill(`${at}.self_attn.q_layernorm.weight`, [headSize], 0.1, 1);
      fill(`${at}.self_attn.k_layernorm.weight`, [headSize], 0.1, 1);
    }
    fill(`${at}.ffn_norm.weight`, [hidden], 0.1, 1);
    fill(`${at}.feed_forward.w1.weight`, [inner, hidden], spread);
    fill(`${at}.feed_forward.w3.weight`, [inner, hidden], spread);
    fill(`${at}.feed_forward.w2.weight`, [hidden, inner], 1 / Math.sqrt(inner));
  }
  fill("model.embedding_norm.weight", [hidden], 0.1, 1);
}

/** Phi-3 stores queries, keys and values as one matrix, and gate and feed-forward as another. */
function fuse(tensors: Map<string, TestTensor>): void {
  const join = (to: string, from: readonly string[]) => {
    const parts = from.map((name) => tensors.get(name)).filter((tensor) => tensor !== undefined);
    const rows = parts.reduce((sum, { shape: [count = 0] }) => sum + count, 0);
    const values = Float32Array.from(parts.flatMap((part) => [...part.values]));
    tensors.set(to, { shape: [rows, parts[0]?.shape[1] ?? 0], values });
    for (const name of from) tensors.delete(name);
  };
  for (const name of [...tensors.keys()].filter((key) => key.endsWith(".q_proj.weight"))) {
    const layer = name.replace(".self_attn.q_proj.weight", "");
    const attention = ["q", "k", "v"].map((part) => `${layer}.self_attn.${part}_proj.weight`);
    join(`${layer}.self_attn.qkv_proj.weight`, attention);
    join(`${layer}.mlp.gate_up_proj.weight`, [
      `${layer}.mlp.gate_proj.weight`,
      `${layer}.mlp.up_proj.weight`,
    ]);
  }
}

function fillFeedForward(at: string, hidden: number, inner: number, fill: Fill): void {
  fill(`${at}.gate_proj.weight`, [inner, hidden], 1 / Math.sqrt(hidden));
  fill(`${at}.up_proj.weight`, [inner, hidden], 1 / Math.sqrt(hidden));
  fill(`${at}.down_proj.weight`, [hidden, inner], 1 / Math.sqrt(inner));
}

function fillExperts(config: TestConfig, at: string, fill: Fill): void {
  const hidden = number(config, "hidden_size");
  const experts = number(config, "num_experts");
  fill(`${at}.mlp.gate.weight`, [experts, hidden], 1 / Math.sqrt(hidden));
  for (let expert = 0; expert < experts; expert++)
    fillFeedForward(`${at}.mlp.experts.${expert}`, hidden, number(config, "moe_intermediate_size"), fill);
}

function writeWeights(directory: string, tensors: TestTensors, type: StoredType, shards: number): void {
  if (shards === 1) {
    writeSafetensors(join(directory, "model.safetensors"), tensors, type);
    return;
  }
  const names = [...tensors.keys()];
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const of = (index: number) => String(index).padStart(5, "0");
    const file = `model-${of(shard + 1)}-of-${of(shards)}.safetensors`;
    const part = names.filter((_, index) => index % shards === shard);
    for (const name of part) weightMap[name] = file;
    writeSafetensors(
      join(directory, file),
      new Map([...tensors].filter(([name]) => part.includes(name))),
      type,
    );
  }
  writeJson(join(directory, "model.safetensors.index.json"), {
    metadata: { total_size: 0 },
    weight_map: weightMap,
  });
}

const trained = new Map<PreTokenizerName, Record<string, unknown>>();

/** Training takes a moment, and every checkpoint of a family can share its result. */
function testTokenizer(preTokenizer: PreTokenizerName): Record<string, unknown> {
  let tokenizer = trained.get(preTokenizer);
  if (!tokenizer) {
    tokenizer = trainTokenizer({ preTokenizer, lines: corpusLines(600, 7), merges, specialTokens });
    trained.set(preTokenizer, tokenizer);
  }
  return tokenizer;
}

const chatTemplate =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}";

function writeTokenizer(directory: string, family: Family): void {
  writeJson(join(directory, "tokenizer.json"), testTokenizer(preTokenizerOf[family]));
  writeJson(join(directory, "tokenizer_config.json"), {
    bos_token: "<|endoftext|>",
    eos_token: { content: "<|im_end|>", lstrip: false, normalized: false, rstrip: false, single_word: false },
    add_bos_token: family === "llama",
    chat_template: chatTemplate,
    tokenizer_class: "PreTrainedTokenizerFast",
  });
}
