import { readFileSync } from "node:fs";
import { join } from "node:path";
import { convertCheckpoint } from "../../src/models/convert/convert.ts";
import { readGguf } from "../../src/models/gguf/reader.ts";
import type { MetadataValue } from "../../src/models/gguf/types.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { makeCheckpoint } from "./checkpoint.ts";
import { EngineModel } from "./engine-model.ts";
import { referenceLogits } from "./reference-model.ts";

/** A small Llama with random weights whose metadata ask for last pooling, as embedding models of that shape have it. */
export interface LastPoolingLlama {
  readonly path: string;
  /** What the output layer makes of a vector. */
  logitsOf(vector: Float32Array): number[];
  /** The plain forward pass's logits after the text's last token. */
  referenceLogits(text: string): number[];
}

export async function makeLastPoolingLlama(directory: string): Promise<LastPoolingLlama> {
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama" });
  const plain = join(directory, "plain.gguf");
  await convertCheckpoint(checkpoint.directory, plain, { quantization: "F32" });
  const path = join(directory, "last.gguf");
  await withMetadata(plain, path, "llama.pooling_type", { type: "uint32", value: 3 });
  const output =
    checkpoint.tensors.get("lm_head.weight") ?? checkpoint.tensors.get("model.embed_tokens.weight");
  if (output === undefined) throw new Error("the checkpoint has no output layer");
  const [rows = 0, width = 0] = output.shape;
  const engine = new EngineModel(plain);
  return {
    path,
    logitsOf: (vector) =>
      Array.from({ length: rows }, (_, row) =>
        vector.reduce((sum, value, i) => sum + value * (output.values[row * width + i] as number), 0),
      ),
    referenceLogits: (text) => [
      ...(referenceLogits(checkpoint, engine.tokenize(text, { addSpecial: true })).at(-1) ?? []),
    ],
  };
}

/** Copies a GGUF file with one more entry in its metadata. */
async function withMetadata(from: string, to: string, key: string, value: MetadataValue): Promise<void> {
  const source = readGguf(from);
  const bytes = readFileSync(from);
  const writer = new GgufWriter(to, new Map([...source.metadata, [key, value]]), source.tensors);
  await writer.open();
  for (const [index, tensor] of writer.tensors.entries()) {
    const start = source.dataOffset + (source.tensors[index]?.offset ?? 0);
    await writer.writeTensor(tensor, bytes.subarray(start, start + tensor.byteLength));
  }
  await writer.close();
}
