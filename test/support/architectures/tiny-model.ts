import { join } from "node:path";
import { loadLlama } from "../../../src/inference/llama/bindings.ts";
import type { Metadata, MetadataValue } from "../../../src/models/gguf/types.ts";
import { GgufWriter, type TensorDeclaration } from "../../../src/models/gguf/writer.ts";
import { SeededRandom } from "../random.ts";
import { tinyMetadata } from "./metadata.ts";

/** Fields that one architecture wants otherwise; a value of undefined takes a field away. */
export type MetadataChanges = Readonly<Record<string, MetadataValue | undefined>>;

export interface TinyModelOptions {
  readonly directory: string;
  readonly architecture: string;
  readonly experts?: boolean;
  readonly changes?: MetadataChanges;
  /** Tensors that are in the file whether the loader asks for them or not. */
  readonly needed?: readonly string[];
}

/** llama.cpp refuses a model for something else than its tensors. */
export class UntakenModelError extends Error {}

/** Writes a model of random weights of any architecture of llama.cpp; returns its path. */
export async function makeTinyModel(options: TinyModelOptions): Promise<string> {
  const { directory, architecture, experts = false, needed = [] } = options;
  const metadata = new Map(tinyMetadata(architecture, { experts }));
  for (const [key, value] of Object.entries(options.changes ?? {})) {
    if (value === undefined) metadata.delete(key);
    else metadata.set(key, value);
  }
  const path = join(directory, `${architecture}.gguf`);
  const partial = join(directory, `${architecture}.partial`);
  const names = [...(neededTensors[architecture] ?? []), ...needed];
  const first = new Map<string, readonly number[]>([
    ...names.map((name): [string, readonly number[]] => [name, [1]]),
    ...Object.entries(givenShapes[architecture] ?? {}),
  ]);
  const tensors = await wantedTensors(metadata, partial, first);
  const writer = new GgufWriter(path, metadata, tensors);
  await writer.open();
  for (const tensor of writer.tensors) await writer.writeTensor(tensor, randomWeights(tensor, architecture));
  await writer.close();
  return path;
}

/** Tensors that a loader calls optional and that the computation fails without. */
const neededTensors: Readonly<Record<string, readonly string[]>> = {
  granitehybrid: ["blk.0.ssm_conv1d.bias"],
  nemotron_h: ["blk.0.ssm_conv1d.bias"],
  nemotron_h_moe: ["blk.0.ssm_conv1d.bias"],
  "falcon-h1": ["blk.0.ssm_conv1d.bias", "blk.1.ssm_conv1d.bias"],
  qwen3next: ["blk.0.attn_qkv.weight", "blk.0.attn_gate.weight"],
  qwen35: ["blk.0.attn_qkv.weight", "blk.0.attn_gate.weight"],
  qwen35moe: ["blk.0.attn_qkv.weight", "blk.0.attn_gate.weight"],
  rwkv6: ["blk.0.time_mix_lerp_fused.weight", "blk.1.time_mix_lerp_fused.weight"],
  phi3: ["blk.0.attn_qkv.weight", "blk.1.attn_qkv.weight"],
  mimo2: [0, 1].flatMap((layer) => ["gate", "up", "down"].map((part) => `blk.${layer}.ffn_${part}.weight`)),
  "glm-dsa": [0, 1].flatMap((layer) =>
    ["k_norm.weight", "k_norm.bias", "proj.weight", "attn_k.weight", "attn_q_b.weight"].map(
      (part) => `blk.${layer}.indexer.${part}`,
    ),
  ),
};

/** Tensors whose loader ends the process where they have a shape that it doesn't expect. */
const givenShapes: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  laguna: { "blk.0.attn_gate.weight": [160, 2], "blk.1.attn_gate.weight": [160, 2] },
  "jina-bert-v2": { "blk.0.ffn_up.weight": [256, 384], "blk.1.ffn_up.weight": [256, 384] },
};

/**
 * The tensors that llama.cpp looks for in a file with this metadata, by its own account: it refuses a file that lacks
 * one, or has it in another shape, with the name and the shape that it wants. What it can do without is left out.
 */
async function wantedTensors(
  metadata: Metadata,
  path: string,
  first: ReadonlyMap<string, readonly number[]>,
): Promise<readonly TensorDeclaration[]> {
  const wanted = new Map(first);
  const shapes = new Map<string, readonly number[]>();
  for (let last = ""; ; ) {
    const tensors = [...wanted].map(
      ([name, dimensions]): TensorDeclaration => ({ name, type: "F32", dimensions }),
    );
    const writer = new GgufWriter(path, metadata, tensors);
    await writer.open();
    await writer.close();
    const refusal = refusalOf(path);
    if (refusal === undefined) return tensors;
    if (refusal === last) throw new UntakenModelError(`llama.cpp takes no ${path}: ${refusal}`);
    last = refusal;
    const missing =
      /missing tensor '([^']+)'/.exec(refusal)?.[1] ?? /tensor '([^']+)' not found/.exec(refusal)?.[1];
    const misshapen = /tensor '([^']+)' has wrong shape; expected ([\d, ]+)/.exec(refusal);
    const tooFew = /(\S+) has \d+ rows, too few [^(]*\((\d+)\)/.exec(refusal);
    if (tooFew?.[1] !== undefined) {
      wanted.set(tooFew[1], [1, Number(tooFew[2])]);
    } else if (missing !== undefined && !wanted.has(missing)) {
      wanted.set(missing, shapes.get(withoutLayer(missing)) ?? [1]);
    } else if (misshapen?.[1] !== undefined && misshapen[2] !== undefined) {
      const dimensions = misshapen[2]
        .split(",")
        .map(Number)
        .filter((size) => size > 0);
      while (dimensions.length > 1 && dimensions.at(-1) === 1) dimensions.pop();
      wanted.set(misshapen[1], dimensions);
      shapes.set(withoutLayer(misshapen[1]), dimensions);
    } else throw new UntakenModelError(`llama.cpp takes no ${path}: ${refusal}`);
  }
}

function withoutLayer(name: string): string {
  return name.replace(/^blk\.\d+/, "blk");
}

/** What llama.cpp says against a file; undefined when it loads. */
function refusalOf(path: string): string | undefined {
  const llama = loadLlama();
  const errors: string[] = [];
  const model = llama.withLog(
    ({ level, text }) => level === "error" && errors.push(text),
    () => llama.llama_model_load_from_file(path, { ...llama.llama_model_default_params(), n_gpu_layers: 0 }),
  );
  if (model === null) return errors.join("; ");
  llama.llama_model_free(model);
  return undefined;
}

/** FNV-1a, so that a tensor's weights depend on its name and not on its place. */
function seedOf(name: string): number {
  return [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), 0x811c9dc5);
}

/**
 * Weights that make a text depend on what was read long before: matrices that keep the variance of what they are
 * given, norms near 1, decays that forget slowly, embeddings small beside what the layers add (see `spreads` in
 * bench/models/model-shape.ts).
 */
function randomWeights({ name, dimensions }: TensorDeclaration, architecture: string): Uint8Array {
  const random = new SeededRandom(seedOf(name));
  const count = dimensions.reduce((product, size) => product * size, 1);
  const { mean, spread } = distribution(name, dimensions, architecture);
  const floats = Float32Array.from({ length: count }, () => mean + spread * random.normal());
  if (isDecay(name)) for (let i = 0; i < count; i++) floats[i] = -Math.abs(floats[i] ?? 0);
  return new Uint8Array(floats.buffer);
}

/** `A` of state-space layers, negative by definition. */
function isDecay(name: string): boolean {
  return /ssm_a(\.weight)?$/.test(name);
}

function distribution(
  name: string,
  dimensions: readonly number[],
  architecture: string,
): { mean: number; spread: number } {
  // It does not divide by the root of a head's width: its norm must, or a weight's last bit decides what is attended to.
  if (architecture === "gemma3n" && name.endsWith("attn_q_norm.weight"))
    return { mean: 1 / Math.sqrt(dimensions[0] ?? 1), spread: 0 };
  if (isDecay(name)) return { mean: -0.3, spread: 0.1 };
  if (/norm|_scale|layer_scale/.test(name) && name.endsWith("weight")) return { mean: 1, spread: 0.02 };
  if (name === "token_embd.weight") return { mean: 0, spread: 0.1 };
  if (name.endsWith(".bias") || dimensions.length < 2) return { mean: 0, spread: 0.02 };
  return { mean: 0, spread: 1 / Math.sqrt(dimensions[0] ?? 1) };
}
