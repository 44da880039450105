import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MetadataBuilder } from "../../src/models/gguf/metadata.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { SeededRandom } from "../load/random.ts";
import { distilgpt2 } from "./gpt2-shape.ts";
import type { ModelShape, RandomTensor } from "./model-shape.ts";
import { qwen2 } from "./qwen2-shape.ts";
import { randomWeights, silence } from "./random-blocks.ts";
import { SILENT_TOKENS } from "./vocabulary.ts";

/** Goes up when a change of the generators makes other files: old ones must not be taken for new ones. */
const GENERATION = 1;
/** The same for every run: weights are part of the benchmark, not of a run. */
const WEIGHTS_SEED = 1;

const shapes: Readonly<Record<string, ModelShape>> = { distilgpt2, qwen2 };
export const modelNames: readonly string[] = Object.keys(shapes);

const cache = fileURLToPath(new URL("../results/tmp/models/", import.meta.url));

export interface BenchModel {
  readonly path: string;
  readonly summary: string;
  /** Made here: a word is one token, and no generation ends early. */
  readonly isSynthetic: boolean;
}

/**
 * The file of a model by name, made on first use (seconds, at most half a gigabyte), or a `.gguf` as it is.
 * @throws Error that lists the names
 */
export async function benchModel(nameOrPath: string): Promise<BenchModel> {
  const shape = shapes[nameOrPath];
  if (shape !== undefined) {
    const path = join(cache, `${shape.name}-${GENERATION}.gguf`);
    if (!existsSync(path)) await makeModel(shape, path);
    return { path, summary: shape.summary, isSynthetic: true };
  }
  if (!existsSync(nameOrPath)) {
    throw new Error(
      `There is no model ${nameOrPath}: give the path of a .gguf, or ${modelNames.join(" or ")}`,
    );
  }
  return { path: nameOrPath, summary: nameOrPath.split("/").at(-1) ?? nameOrPath, isSynthetic: false };
}

/** Writes a model of random weights; the file appears under its name when it is whole. */
export async function makeModel(shape: ModelShape, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const metadata = new MetadataBuilder();
  shape.describe(metadata);
  const partial = `${path}.${process.pid}.partial`;
  const writer = new GgufWriter(partial, metadata.entries, shape.tensors);
  await writer.open();
  const random = new SeededRandom(WEIGHTS_SEED);
  for (const [index, tensor] of shape.tensors.entries()) {
    const place = writer.tensors[index];
    if (place !== undefined) await writer.writeTensor(place, weightsOf(tensor, random));
  }
  await writer.close();
  await rename(partial, path);
}

function weightsOf(tensor: RandomTensor, random: SeededRandom): Buffer {
  const count = tensor.dimensions.reduce((product, size) => product * size, 1);
  const data = randomWeights({ ...tensor, count }, random);
  if (tensor.name === "token_embd.weight" && tensor.type !== "F32") {
    silence(data, tensor.type, SILENT_TOKENS * (tensor.dimensions[0] ?? 0));
  }
  return data;
}
