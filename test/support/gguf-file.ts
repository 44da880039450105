import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { MetadataBuilder } from "../../src/models/gguf/metadata.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { SeededRandom } from "./random.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A well-formed GGUF file with one tensor of noise: what a download carries, not what an engine could run. */
export async function ggufBytes(
  test: TestContext,
  options: { elements?: number; seed?: number } = {},
): Promise<Buffer> {
  const path = join(await temporaryDirectory(test), "noise.gguf");
  const elements = options.elements ?? 1024;
  const random = new SeededRandom(options.seed ?? 1);
  const metadata = new MetadataBuilder()
    .string("general.architecture", "llama")
    .uint32("general.file_type", 0);
  const writer = new GgufWriter(path, metadata.entries, [
    { name: "noise.weight", type: "F32", dimensions: [elements] },
  ]);
  await writer.open();
  for (const tensor of writer.tensors) {
    const values = Float32Array.from({ length: elements }, () => random.next());
    await writer.writeTensor(tensor, new Uint8Array(values.buffer));
  }
  await writer.close();
  return readFile(path);
}
