import { MetadataBuilder } from "../../src/models/gguf/metadata.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { SeededRandom } from "./random.ts";

type Vector = readonly number[];

/** `pooling_type` in the metadata. */
const poolingTypes = { none: 0, mean: 1, cls: 2, last: 3, rank: 4 } as const;

export interface BertOptions {
  readonly pooling: keyof typeof poolingTypes;
  readonly seed?: number;
}

/** A small BERT with random weights, and its GGUF file. */
export interface TestBert {
  readonly path: string;
  readonly options: BertOptions;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

const shape = { hidden: 64, layers: 2, heads: 4, inner: 128, context: 64 };
const EPSILON = 1e-12;

const marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;
const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789.,?"];
/** Word pieces as llama.cpp writes them: a word's first piece has the mark, the others lack their `##`. */
const pieces = [...marks, ...letters.map((letter) => `\u2581${letter}`), ...letters];

/** Token ids of lower-case text by the definition: words at spaces and around punctuation, here a piece a letter. */
export function bertTokens(text: string): number[] {
  const words = text.split(/\s+|(?=[.,?])|(?<=[.,?])/).filter((word) => word !== "");
  return words.flatMap((word) =>
    [...word].map((letter, index) => pieces.lastIndexOf(letter) - (index === 0 ? letters.length : 0)),
  );
}

/** As BERT reads one text. */
export function bertInput(text: string): number[] {
  return [marks.indexOf("[CLS]"), ...bertTokens(text), marks.indexOf("[SEP]")];
}

/** As BERT reads a question and a text. */
export function bertPair(query: string, document: string): number[] {
  return [...bertInput(query), ...bertTokens(document), marks.indexOf("[SEP]")];
}

/** Tensors by GGUF's names, with their dimensions fastest first. */
function declarations(options: BertOptions): Array<{ name: string; dimensions: number[] }> {
  const { hidden, inner, layers, context } = shape;
  const dense = (name: string, inputs: number, outputs: number) => [
    { name: `${name}.weight`, dimensions: [inputs, outputs] },
    { name: `${name}.bias`, dimensions: [outputs] },
  ];
  const norm = (name: string) => [
    { name: `${name}.weight`, dimensions: [hidden] },
    { name: `${name}.bias`, dimensions: [hidden] },
  ];
  return [
    { name: "token_embd.weight", dimensions: [hidden, pieces.length] },
    { name: "token_types.weight", dimensions: [hidden, 2] },
    { name: "position_embd.weight", dimensions: [hidden, context] },
    ...norm("token_embd_norm"),
    ...Array.from({ length: layers }, (_, layer) => [
      ...["attn_q", "attn_k", "attn_v", "attn_output"].flatMap((part) =>
        dense(`blk.${layer}.${part}`, hidden, hidden),
      ),
      ...norm(`blk.${layer}.attn_output_norm`),
      ...dense(`blk.${layer}.ffn_up`, hidden, inner),
      ...dense(`blk.${layer}.ffn_down`, inner, hidden),
      ...norm(`blk.${layer}.layer_output_norm`),
    ]).flat(),
    ...(options.pooling === "rank"
      ? [...dense("cls", hidden, hidden), ...dense("cls.output", hidden, 1)]
      : []),
  ];
}

/** Writes the file at `path`. */
export async function makeBert(path: string, options: BertOptions): Promise<TestBert> {
  const { hidden, layers, heads, inner, context } = shape;
  const metadata = new MetadataBuilder()
    .string("general.architecture", "bert")
    .uint32("bert.context_length", context)
    .uint32("bert.embedding_length", hidden)
    .uint32("bert.block_count", layers)
    .uint32("bert.feed_forward_length", inner)
    .uint32("bert.attention.head_count", heads)
    .float32("bert.attention.layer_norm_epsilon", EPSILON)
    .bool("bert.attention.causal", false)
    .uint32("bert.pooling_type", poolingTypes[options.pooling])
    .string("tokenizer.ggml.model", "bert")
    .strings("tokenizer.ggml.tokens", pieces)
    .int32s("tokenizer.ggml.token_type", [...marks.map(() => 3), ...pieces.slice(marks.length).map(() => 1)])
    .uint32("tokenizer.ggml.token_type_count", 2)
    .uint32("tokenizer.ggml.padding_token_id", 0)
    .uint32("tokenizer.ggml.unknown_token_id", 1)
    .uint32("tokenizer.ggml.cls_token_id", 2)
    .uint32("tokenizer.ggml.bos_token_id", 2)
    .uint32("tokenizer.ggml.seperator_token_id", 3)
    .uint32("tokenizer.ggml.mask_token_id", 4);
  const random = new SeededRandom(options.seed ?? 1);
  const weights = new Map<string, Float32Array>();
  const declared = declarations(options).map(({ name, dimensions }) => ({
    name,
    type: "F32" as const,
    dimensions,
  }));
  const writer = new GgufWriter(path, metadata.entries, declared);
  await writer.open();
  for (const tensor of writer.tensors) {
    const length = tensor.dimensions.reduce((product, size) => product * size, 1);
    const isNorm = tensor.name.includes("norm.weight");
    const spread = tensor.dimensions.length === 2 ? 1 / Math.sqrt(tensor.dimensions[0] as number) : 0.1;
    const values = Float32Array.from({ length }, () => (isNorm ? 1 : 0) + spread * random.normal());
    weights.set(tensor.name, values);
    await writer.writeTensor(tensor, new Uint8Array(values.buffer));
  }
  await writer.close();
  return { path, options, weights };
}

/** BERT's forward pass and pooling from its definition (Devlin et al. 2018, arXiv:1810.04805), in float64. */
export function bertReference({ options, weights }: TestBert, tokens: readonly number[]): Vector {
  const { hidden, layers, heads } = shape;
  const tensor = (name: string) => weights.get(name) as Float32Array;
  const row = (name: string, index: number) => [...tensor(name).slice(index * hidden, (index + 1) * hidden)];
  const dense = (input: Vector, name: string): Vector =>
    Array.from(tensor(`${name}.bias`), (bias, output) =>
      input.reduce(
        (sum, value, i) => sum + value * (tensor(`${name}.weight`)[output * input.length + i] as number),
        bias,
      ),
    );
  const norm = (input: Vector, name: string): Vector => {
    const mean = input.reduce((a, b) => a + b, 0) / input.length;
    const variance = input.reduce((sum, value) => sum + (value - mean) ** 2, 0) / input.length;
    return input.map(
      (value, i) =>
        ((value - mean) / Math.sqrt(variance + EPSILON)) * (tensor(`${name}.weight`)[i] as number) +
        (tensor(`${name}.bias`)[i] as number),
    );
  };
  let states = tokens.map((token, position) =>
    norm(
      add(
        row("token_embd.weight", token),
        row("token_types.weight", 0),
        row("position_embd.weight", position),
      ),
      "token_embd_norm",
    ),
  );
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`;
    const [queries, keys, values] = ["attn_q", "attn_k", "attn_v"].map((part) =>
      states.map((state) => dense(state, `${at}.${part}`)),
    ) as [Vector[], Vector[], Vector[]];
    const attended = attention(queries, keys, values, heads).map((state) =>
      dense(state, `${at}.attn_output`),
    );
    states = states.map((state, i) => norm(add(state, attended[i] as Vector), `${at}.attn_output_norm`));
    states = states.map((state) => {
      const inner = dense(state, `${at}.ffn_up`).map(gelu);
      return norm(add(state, dense(inner, `${at}.ffn_down`)), `${at}.layer_output_norm`);
    });
  }
  switch (options.pooling) {
    case "mean":
      return add(...states).map((value) => value / states.length);
    case "cls":
      return states[0] as Vector;
    case "last":
      return states.at(-1) as Vector;
    case "rank":
      return dense(dense(states[0] as Vector, "cls").map(Math.tanh), "cls.output");
    case "none":
      throw new Error("no pooling, no vector");
  }
}

function attention(queries: Vector[], keys: Vector[], values: Vector[], heads: number): Vector[] {
  const width = shape.hidden / heads;
  return queries.map((query) =>
    Array.from({ length: heads }, (_, head) => {
      const part = (vector: Vector) => vector.slice(head * width, (head + 1) * width);
      const scores = keys.map((key) => dot(part(query), part(key)) / Math.sqrt(width));
      const exponentials = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const total = exponentials.reduce((a, b) => a + b, 0);
      return add(
        ...values.map((value, i) => part(value).map((v) => (v * (exponentials[i] as number)) / total)),
      );
    }).flat(),
  );
}

function add(...vectors: readonly Vector[]): number[] {
  const [first = [], ...others] = vectors;
  return first.map((value, i) => others.reduce((sum, vector) => sum + (vector[i] as number), value));
}

function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** Hendrycks and Gimpel's, by the hyperbolic tangent as ggml has it. */
function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
