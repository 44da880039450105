import { readGguf } from "../../src/models/gguf/reader.ts";
import type { MetadataValue } from "../../src/models/gguf/types.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { SeededRandom } from "../../test/support/random.ts";

const HIDDEN = 64;
const FEED_FORWARD = 64;
const HEADS = 2;
/** Logit of the token that ends an answer, in standard deviations of the others: answers have some tens of tokens. */
const END_LOGIT = 4;

/**
 * Writes a model of random weights with the tokenizer and the template of the built-in one and a window of `window`
 * tokens: agents' prompts are longer than any window that so small a model is trained for.
 */
export async function writeWideModel(path: string, builtin: string, window: number): Promise<void> {
  const source = readGguf(builtin);
  const metadata = new Map(source.metadata);
  const tokens = metadata.get("tokenizer.ggml.tokens")?.value;
  if (!Array.isArray(tokens)) throw new Error(`${builtin} has no vocabulary`);
  const vocabulary = tokens.length;
  const end = Number(metadata.get("tokenizer.ggml.eos_token_id")?.value);
  const sizes = {
    "llama.context_length": window,
    "llama.block_count": 1,
    "llama.embedding_length": HIDDEN,
    "llama.feed_forward_length": FEED_FORWARD,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": HEADS,
    "llama.rope.dimension_count": HIDDEN / HEADS,
    "llama.attention.key_length": HIDDEN / HEADS,
    "llama.attention.value_length": HIDDEN / HEADS,
    "general.file_type": 0,
  };
  for (const [key, value] of Object.entries(sizes))
    metadata.set(key, { type: "uint32", value } satisfies MetadataValue);
  metadata.set("general.name", { type: "string", value: "random weights" });

  const random = new SeededRandom(7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const filled = (count: number, value: (index: number) => number) =>
    Float32Array.from({ length: count }, (_, index) => value(index));
  const square = filled(HIDDEN * HIDDEN, () => normal() / HIDDEN);
  const ones = filled(HIDDEN, () => 1);
  // The first component is the same for every token, and what the end's logit is read from.
  const embedding = filled(vocabulary * HIDDEN, (index) => (index % HIDDEN === 0 ? 1 : normal()));
  const output = filled(vocabulary * HIDDEN, (index) => {
    if (index % HIDDEN === 0) return index / HIDDEN === end ? END_LOGIT : 0;
    return normal() / Math.sqrt(HIDDEN);
  });
  const block = (name: string) => `blk.0.${name}.weight`;
  const tensors: ReadonlyArray<readonly [string, readonly number[], Float32Array]> = [
    ["token_embd.weight", [HIDDEN, vocabulary], embedding],
    ["output_norm.weight", [HIDDEN], ones],
    ["output.weight", [HIDDEN, vocabulary], output],
    [block("attn_norm"), [HIDDEN], ones],
    [block("ffn_norm"), [HIDDEN], ones],
    [block("attn_q"), [HIDDEN, HIDDEN], square],
    [block("attn_k"), [HIDDEN, HIDDEN], square],
    [block("attn_v"), [HIDDEN, HIDDEN], square],
    [block("attn_output"), [HIDDEN, HIDDEN], filled(HIDDEN * HIDDEN, () => 0)],
    [block("ffn_gate"), [HIDDEN, FEED_FORWARD], square],
    [block("ffn_up"), [HIDDEN, FEED_FORWARD], square],
    [block("ffn_down"), [FEED_FORWARD, HIDDEN], filled(FEED_FORWARD * HIDDEN, () => 0)],
  ];
  const writer = new GgufWriter(
    path,
    metadata,
    tensors.map(([name, dimensions]) => ({ name, type: "F32", dimensions })),
  );
  await writer.open();
  for (const [index, tensor] of writer.tensors.entries()) {
    const values = tensors[index]?.[2];
    if (values !== undefined) await writer.writeTensor(tensor, new Uint8Array(values.buffer));
  }
  await writer.close();
}
