import { join } from "node:path";
import type { TestContext } from "node:test";
import type { MetadataValue } from "../../src/models/gguf/types.ts";
import { GgufWriter } from "../../src/models/gguf/writer.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export const allTypes = new Map<string, MetadataValue>([
  ["general.architecture", { type: "string", value: "test ✓" }],
  ["a.uint8", { type: "uint8", value: 255 }],
  ["a.int8", { type: "int8", value: -128 }],
  ["a.uint16", { type: "uint16", value: 65535 }],
  ["a.int16", { type: "int16", value: -32768 }],
  ["a.uint32", { type: "uint32", value: 2 ** 32 - 1 }],
  ["a.int32", { type: "int32", value: -(2 ** 31) }],
  ["a.float32", { type: "float32", value: 0.5 }],
  ["a.float64", { type: "float64", value: 0.1 }],
  ["a.uint64", { type: "uint64", value: 2n ** 64n - 1n }],
  ["a.int64", { type: "int64", value: -(2n ** 63n) }],
  ["a.bool", { type: "bool", value: true }],
  ["a.strings", { type: "array", of: "string", value: ["", "a", "日本"] }],
  ["a.floats", { type: "array", of: "float32", value: [1, 2.5] }],
  ["a.empty", { type: "array", of: "int32", value: [] }],
]);

export const declarations = [
  { name: "first.weight", type: "F32", dimensions: [5, 3] },
  { name: "second.weight", type: "Q8_0", dimensions: [64, 2] },
  { name: "third.weight", type: "F16", dimensions: [7] },
] as const;

/** A file with metadata of every type and three tensors. */
export async function writeSample(
  context: TestContext,
): Promise<{ path: string; contents: readonly Buffer[] }> {
  const path = join(await temporaryDirectory(context), "file.gguf");
  const writer = new GgufWriter(path, allTypes, declarations);
  const contents = writer.tensors.map(({ byteLength }, index) => Buffer.alloc(byteLength, index + 1));
  await writer.open();
  // Out of order and in pieces, as several workers write.
  for (const index of [2, 0, 1]) {
    const tensor = writer.tensors[index];
    const data = contents[index];
    if (!tensor || !data) continue;
    await writer.writeTensor(tensor, data.subarray(8), 8);
    await writer.writeTensor(tensor, data.subarray(0, 8));
  }
  await writer.close();
  return { path, contents };
}
