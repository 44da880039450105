import { readFile } from "node:fs/promises";
import { readGguf } from "../../src/models/gguf/reader.ts";
import { GgufWriter, type TensorDeclaration } from "../../src/models/gguf/writer.ts";

/**
 * Writes the model at `from` to `to` with `layers` layers, its own over and over. Those that are `silent` add nothing: what
 * they would add is zero. Silent layers behind its own make a model that says the same and takes longer.
 */
export async function writeLayeredModel(
  from: string,
  to: string,
  { layers, isSilent }: { readonly layers: number; readonly isSilent: (layer: number) => boolean },
): Promise<string> {
  const { metadata, tensors, dataOffset } = readGguf(from);
  const key = `${metadata.get("general.architecture")?.value}.block_count`;
  const own = Number(metadata.get(key)?.value);
  const file = (await readFile(from)).subarray(dataOffset);
  const parts: Array<{ readonly tensor: TensorDeclaration; readonly data: Uint8Array }> = [];
  for (const tensor of tensors) {
    const data = file.subarray(tensor.offset, tensor.offset + tensor.byteLength);
    const [, number, name] = /^blk\.(\d+)\.(.+)$/.exec(tensor.name) ?? [];
    if (number === undefined) parts.push({ tensor, data });
    for (let layer = Number(number); layer < layers; layer += own) {
      const isZero = isSilent(layer) && /^(attn_output|ffn_down)\./.test(name ?? "");
      parts.push({
        tensor: { ...tensor, name: `blk.${layer}.${name}` },
        data: isZero ? new Uint8Array(data.length) : data,
      });
    }
  }
  const edited = new Map(metadata).set(key, { type: "uint32", value: layers });
  const writer = new GgufWriter(
    to,
    edited,
    parts.map(({ tensor }) => tensor),
  );
  await writer.open();
  for (const [index, tensor] of writer.tensors.entries())
    await writer.writeTensor(tensor, parts[index]?.data ?? new Uint8Array(0));
  await writer.close();
  return to;
}
