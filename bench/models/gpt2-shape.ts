import { type ModelShape, type RandomTensor, spreads, unitSpread } from "./model-shape.ts";
import { describeVocabulary } from "./vocabulary.ts";

const hidden = 768;
const inner = 4 * hidden;
const layers = 6;
const context = 1024;
const vocabulary = 50_257;

/** GPT-2's architecture in distilgpt2's size, Q8_0: names and shapes as llama.cpp's `llama-arch.cpp` wants them. */
export const distilgpt2: ModelShape = {
  name: "distilgpt2-q8_0",
  summary: "distilgpt2's shape (GPT-2, 6 layers, 768 hidden, vocabulary 50,257), Q8_0, random weights",
  describe(metadata) {
    metadata
      .string("general.architecture", "gpt2")
      .string("general.name", "bench-distilgpt2-shape")
      .uint32("general.file_type", 7)
      .uint32("general.quantization_version", 2)
      .uint32("gpt2.vocab_size", vocabulary)
      .uint32("gpt2.context_length", context)
      .uint32("gpt2.embedding_length", hidden)
      .uint32("gpt2.block_count", layers)
      .uint32("gpt2.feed_forward_length", inner)
      .uint32("gpt2.attention.head_count", 12)
      .float32("gpt2.attention.layer_norm_epsilon", 1e-5);
    describeVocabulary(metadata, vocabulary, "gpt-2");
  },
  tensors: [
    matrix("token_embd.weight", hidden, vocabulary, spreads.embedding),
    { name: "position_embd.weight", dimensions: [hidden, context], type: "F32", spread: spreads.position },
    ...Array.from({ length: layers }, (_, layer) => block(`blk.${layer}`)).flat(),
    ...norm("output_norm"),
  ],
};

function block(at: string): readonly RandomTensor[] {
  return [
    ...norm(`${at}.attn_norm`),
    matrix(`${at}.attn_qkv.weight`, hidden, 3 * hidden),
    bias(`${at}.attn_qkv.bias`, 3 * hidden),
    matrix(`${at}.attn_output.weight`, hidden, hidden, spreads.attentionOutput * unitSpread(hidden)),
    bias(`${at}.attn_output.bias`, hidden),
    ...norm(`${at}.ffn_norm`),
    matrix(`${at}.ffn_up.weight`, hidden, inner),
    bias(`${at}.ffn_up.bias`, inner),
    matrix(`${at}.ffn_down.weight`, inner, hidden),
    bias(`${at}.ffn_down.bias`, hidden),
  ];
}

function matrix(name: string, inputs: number, outputs: number, spread = unitSpread(inputs)): RandomTensor {
  return { name, dimensions: [inputs, outputs], type: "Q8_0", spread };
}

function bias(name: string, size: number): RandomTensor {
  return { name, dimensions: [size], type: "F32", spread: spreads.bias };
}

function norm(at: string): readonly RandomTensor[] {
  return [
    { name: `${at}.weight`, dimensions: [hidden], type: "F32", spread: spreads.bias, mean: 1 },
    bias(`${at}.bias`, hidden),
  ];
}
