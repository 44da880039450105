import { readFile } from "node:fs/promises";
import { readGguf } from "../../src/models/gguf/reader.ts";
import type { MetadataValue } from "../../src/models/gguf/types.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";

/** Writes the model at `from` to `to` with some of its metadata replaced; `undefined` removes a key. */
export async function editGguf(
  from: string,
  to: string,
  edits: Readonly<Record<string, MetadataValue | undefined>>,
): Promise<string> {
  const { metadata, tensors, dataOffset } = readGguf(from);
  const edited = new Map(metadata);
  for (const [key, value] of Object.entries(edits)) {
    if (value === undefined) edited.delete(key);
    else edited.set(key, value);
  }
  const data = (await readFile(from)).subarray(dataOffset);
  const writer = new GgufWriter(to, edited, tensors);
  await writer.open();
  for (const [index, tensor] of writer.tensors.entries()) {
    const offset = tensors[index]?.offset ?? 0;
    await writer.writeTensor(tensor, data.subarray(offset, offset + tensor.byteLength));
  }
  await writer.close();
  return to;
}
