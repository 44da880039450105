import { MetadataBuilder } from "../../src/models/gguf/metadata.ts";
import { readGguf } from "../../src/models/gguf/reader.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { SeededRandom } from "./random.ts";

const RANK = 4;

/** Writes a LoRA adapter of random numbers for the attention of `base`: no skill, but answers that are its own. */
export async function writeAdapter(path: string, base: string, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const changed = readGguf(base).tensors.filter(({ name }) => /attn_(q|output)\.weight$/.test(name));
  const metadata = new MetadataBuilder()
    .string("general.type", "adapter")
    .string("general.architecture", "llama")
    .string("adapter.type", "lora")
    .float32("adapter.lora.alpha", RANK);
  const writer = new GgufWriter(
    path,
    metadata.entries,
    changed.flatMap(({ name, dimensions: [input = 0, output = 0] }) => [
      { name: `${name}.lora_a`, type: "F32", dimensions: [input, RANK] },
      { name: `${name}.lora_b`, type: "F32", dimensions: [RANK, output] },
    ]),
  );
  await writer.open();
  for (const tensor of writer.tensors) {
    const values = Float32Array.from({ length: tensor.byteLength / 4 }, () => random.next() - 0.5);
    await writer.writeTensor(tensor, new Uint8Array(values.buffer));
  }
  await writer.close();
}
