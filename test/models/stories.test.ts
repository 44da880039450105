import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { convertCheckpoint } from "../../src/models/convert/convert.ts";
import { type GgufFile, readGguf } from "../../src/models/gguf/reader.ts";
import { writeJson } from "../support/checkpoint.ts";
import { EngineModel } from "../support/engine-model.ts";
import { STORIES, skipWithoutStories } from "../support/model.ts";
import { writeSafetensors } from "../support/safetensors.ts";
import { modelProto } from "../support/sentencepiece.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { corpusLines } from "../support/text-corpus.ts";

/** A real model whose GGUF file somebody else's converter made: ours must make the same from its Hugging Face form. */
const options = { skip: skipWithoutStories };

function value<T>({ metadata }: GgufFile, key: string): T {
  return metadata.get(key)?.value as T;
}

function floatsOf(file: GgufFile, name: string): Float32Array<ArrayBuffer> {
  const tensor = file.tensors.find((candidate) => candidate.name === name);
  assert.ok(tensor, name);
  assert.equal(tensor.type, "F32");
  const bytes = readFileSync(file.path);
  return Float32Array.from({ length: tensor.byteLength / 4 }, (_, i) =>
    bytes.readFloatLE(file.dataOffset + tensor.offset + i * 4),
  );
}

/** From rotary neighbours back to Hugging Face's halves: row j · d/2 + i of a head was row 2i + j. */
function toHalves(values: Float32Array, rowLength: number, headSize: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length / rowLength; row++) {
    const within = row % headSize;
    const half = headSize / 2;
    const from = row - within + 2 * (within % half) + Math.floor(within / half);
    out.set(values.subarray(from * rowLength, (from + 1) * rowLength), row * rowLength);
  }
  return out;
}

const blockNames: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

function sourceName(name: string): string {
  const block = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name);
  if (block) return `model.layers.${block[1]}.${blockNames[block[2] ?? ""]}.weight`;
  if (name === "token_embd.weight") return "model.embed_tokens.weight";
  return name === "output_norm.weight" ? "model.norm.weight" : "lm_head.weight";
}

test(
  "a real model becomes, number for number, what another converter made of it",
  options,
  async (context) => {
    const original = readGguf(STORIES);
    const directory = await temporaryDirectory(context);
    const checkpoint = join(directory, "checkpoint");
    mkdirSync(checkpoint);
    const heads = value<number>(original, "llama.attention.head_count");
    const hidden = value<number>(original, "llama.embedding_length");
    const tensors = original.tensors.map(({ name, dimensions }) => {
      const stored = floatsOf(original, name);
      const values = /attn_[qk]\.weight$/.test(name) ? toHalves(stored, hidden, hidden / heads) : stored;
      return [sourceName(name), { shape: dimensions.toReversed(), values }] as const;
    });
    writeSafetensors(join(checkpoint, "model.safetensors"), new Map(tensors), "F32");
    const tokens = value<string[]>(original, "tokenizer.ggml.tokens");
    writeJson(join(checkpoint, "config.json"), {
      architectures: ["LlamaForCausalLM"],
      vocab_size: tokens.length,
      hidden_size: hidden,
      intermediate_size: value(original, "llama.feed_forward_length"),
      num_hidden_layers: value(original, "llama.block_count"),
      num_attention_heads: heads,
      num_key_value_heads: value(original, "llama.attention.head_count_kv"),
      max_position_embeddings: value(original, "llama.context_length"),
      rms_norm_eps: value(original, "llama.attention.layer_norm_rms_epsilon"),
      tie_word_embeddings: !original.tensors.some(({ name }) => name === "output.weight"),
      bos_token_id: 1,
      eos_token_id: 2,
    });
    const scores = value<number[]>(original, "tokenizer.ggml.scores");
    const types = value<number[]>(original, "tokenizer.ggml.token_type");
    const pieces = tokens.map((text, id) => ({ text, score: scores[id] ?? 0, type: types[id] ?? 1 }));
    writeFileSync(join(checkpoint, "tokenizer.model"), modelProto(pieces));
    writeJson(join(checkpoint, "tokenizer_config.json"), {
      tokenizer_class: "LlamaTokenizer",
      eos_token: "</s>",
    });
    const { path } = await convertCheckpoint(checkpoint, join(directory, "model.gguf"), {
      quantization: "F32",
    });
    const ours = readGguf(path);
    assert.deepEqual(
      ours.tensors.map(({ name }) => name).toSorted(),
      original.tensors.map(({ name }) => name).toSorted(),
    );
    for (const { name } of original.tensors)
      assert.deepEqual(floatsOf(ours, name), floatsOf(original, name), name);
    rmSync(checkpoint, { recursive: true });
    const [first, second] = [new EngineModel(STORIES), new EngineModel(path)];
    context.after(() => {
      first.free();
      second.free();
    });
    for (const line of corpusLines(300, 45)) assert.deepEqual(second.tokenize(line), first.tokenize(line));
    const prompt = second.tokenize("Once upon a time", { addSpecial: true });
    assert.deepEqual(prompt, first.tokenize("Once upon a time", { addSpecial: true }));
    assert.deepEqual(second.logits(prompt), first.logits(prompt));
  },
);
