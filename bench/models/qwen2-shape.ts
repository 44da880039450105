import { type ModelShape, type RandomTensor, spreads, unitSpread } from "./model-shape.ts";
import { describeVocabulary } from "./vocabulary.ts";

const hidden = 896;
const inner = 4864;
const layers = 24;
const heads = 14;
const kvHeads = 2;
const headSize = hidden / heads;
const keys = kvHeads * headSize;
const vocabulary = 151_936;

/** Qwen2's architecture in Qwen2.5-0.5B's size, Q4_0 with Q8_0 embeddings, tied as there. */
export const qwen2: ModelShape = {
  name: "qwen2-0.5b-q4_0",
  summary: "Qwen2.5-0.5B's shape (24 layers, 896 hidden, vocabulary 151,936), Q4_0, random weights",
  describe(metadata) {
    metadata
      .string("general.architecture", "qwen2")
      .string("general.name", "bench-qwen2-0.5b-shape")
      .uint32("general.file_type", 2)
      .uint32("general.quantization_version", 2)
      .uint32("qwen2.vocab_size", vocabulary)
      .uint32("qwen2.context_length", 32_768)
      .uint32("qwen2.embedding_length", hidden)
      .uint32("qwen2.block_count", layers)
      .uint32("qwen2.feed_forward_length", inner)
      .uint32("qwen2.attention.head_count", heads)
      .uint32("qwen2.attention.head_count_kv", kvHeads)
      .float32("qwen2.attention.layer_norm_rms_epsilon", 1e-6)
      .float32("qwen2.rope.freq_base", 1_000_000);
    describeVocabulary(metadata, vocabulary, "qwen2");
  },
  tensors: [
    {
      name: "token_embd.weight",
      dimensions: [hidden, vocabulary],
      type: "Q8_0",
      spread: spreads.embedding,
    },
    ...Array.from({ length: layers }, (_, layer) => block(`blk.${layer}`)).flat(),
    norm("output_norm.weight"),
  ],
};

function block(at: string): readonly RandomTensor[] {
  return [
    norm(`${at}.attn_norm.weight`),
    matrix(`${at}.attn_q.weight`, hidden, hidden),
    bias(`${at}.attn_q.bias`, hidden),
    matrix(`${at}.attn_k.weight`, hidden, keys),
    bias(`${at}.attn_k.bias`, keys),
    matrix(`${at}.attn_v.weight`, hidden, keys),
    bias(`${at}.attn_v.bias`, keys),
    matrix(`${at}.attn_output.weight`, hidden, hidden, spreads.attentionOutput * unitSpread(hidden)),
    norm(`${at}.ffn_norm.weight`),
    matrix(`${at}.ffn_gate.weight`, hidden, inner),
    matrix(`${at}.ffn_up.weight`, hidden, inner),
    matrix(`${at}.ffn_down.weight`, inner, hidden),
  ];
}

function matrix(name: string, inputs: number, outputs: number, spread = unitSpread(inputs)): RandomTensor {
  return { name, dimensions: [inputs, outputs], type: "Q4_0", spread };
}

function bias(name: string, size: number): RandomTensor {
  return { name, dimensions: [size], type: "F32", spread: spreads.bias };
}

function norm(name: string): RandomTensor {
  return { name, dimensions: [hidden], type: "F32", spread: spreads.bias, mean: 1 };
}
