import { type FileHandle, open } from "node:fs/promises";
import type { Quantizer } from "../../inference/llama/quantize.ts";
import { ModelError } from "../errors.ts";
import type { TensorInfo } from "../gguf/types.ts";
import { tensorByteLength } from "../gguf/types.ts";
import type { GgufWriter } from "../gguf/writer.ts";
import { toRotaryNeighbours, transposeColumns } from "./layout.ts";
import type { PlannedTensor } from "./plan.ts";
import type { StoredTensor } from "./safetensors.ts";

/** Elements of one piece of work: big enough to hide the calls, small enough that a few take little memory. */
const chunkElements = 1 << 21;
/** Pieces under way at once: two compute while a third reads or writes. */
const lanes = 3;

export interface PipelineOptions {
  readonly quantizer: Quantizer;
  readonly onProgress?: ((bytesDone: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of one tensor that are read, changed and written together. */
interface Chunk {
  readonly target: TensorInfo;
  readonly planned: PlannedTensor;
  /** Which of the stored tensors that it is made of, where it is not computed. */
  readonly part: number;
  /** Within the part. */
  readonly firstRow: number;
  readonly rows: number;
}

/** Reads, converts and writes all tensors, a few pieces at a time. Memory is a few chunks, whatever the model's size. */
export async function writeTensors(
  writer: GgufWriter,
  planned: readonly PlannedTensor[],
  options: PipelineOptions,
): Promise<void> {
  const files = new SourceFiles();
  const work = chunksOf(writer, planned);
  let bytesDone = 0;
  const runLane = async () => {
    const buffers = new LaneBuffers();
    for (const chunk of work) {
      if (options.signal?.aborted) throw new ModelError("cancelled", "The conversion was cancelled");
      bytesDone += await writeChunk(chunk, writer, files, buffers, options.quantizer);
      options.onProgress?.(bytesDone);
    }
  };
  try {
    const results = await Promise.allSettled(Array.from({ length: lanes }, runLane));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  } finally {
    await files.close();
  }
}

/** One iterator shared by all lanes: each takes the next piece as it becomes free. */
function* chunksOf(writer: GgufWriter, planned: readonly PlannedTensor[]): Generator<Chunk> {
  for (const [index, tensor] of planned.entries()) {
    const target = writer.tensors[index];
    if (!target) throw new RangeError(`the writer has no tensor ${index}`);
    const rowLength = tensor.dimensions[0] ?? 1;
    const rows = tensor.dimensions.slice(1).reduce((product, size) => product * size, 1);
    const parts = tensor.content.kind === "stored" ? tensor.content.tensors.length : 1;
    const partRows = rows / parts;
    const step = rowsPerChunk(tensor, partRows, rowLength);
    for (let part = 0; part < parts; part++) {
      for (let firstRow = 0; firstRow < partRows; firstRow += step)
        yield { target, planned: tensor, part, firstRow, rows: Math.min(step, partRows - firstRow) };
    }
  }
}

/** Heads are reordered whole, and a transposed tensor is read whole. */
function rowsPerChunk({ content, dimensions }: PlannedTensor, rows: number, rowLength: number): number {
  const wanted = Math.max(1, Math.floor(chunkElements / rowLength));
  if (content.kind === "computed" || dimensions.length < 2) return rows;
  switch (content.layout.kind) {
    case "same":
    case "without-ones":
      return wanted;
    case "rotary-neighbours": {
      const { headRows } = content.layout;
      return Math.max(headRows, wanted - (wanted % headRows));
    }
    case "transposed":
    case "plus-one":
      return rows;
    default:
      return content.layout satisfies never;
  }
}

async function writeChunk(
  chunk: Chunk,
  writer: GgufWriter,
  files: SourceFiles,
  buffers: LaneBuffers,
  quantizer: Quantizer,
): Promise<number> {
  const { planned, target, part, firstRow, rows } = chunk;
  const rowLength = planned.dimensions[0] ?? 1;
  if (planned.content.kind === "computed") {
    const { values } = planned.content;
    await writer.writeTensor(target, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return 0;
  }
  const { tensors, layout } = planned.content;
  const tensor = tensors[part];
  if (tensor === undefined) throw new RangeError(`${planned.name} has no part ${part}`);
  const partRows = product(tensor.shape) / rowLength;
  const at = tensorByteLength(target.type, [rowLength, part * partRows + firstRow]);
  const elements = rows * rowLength;
  const elementBytes = tensor.byteLength / Math.max(1, product(tensor.shape));
  const sourceBytes = elements * elementBytes;
  const start = tensor.start + firstRow * rowLength * elementBytes;
  let source = await files.read(tensor, start, buffers.get("source", sourceBytes));
  if (layout.kind === "rotary-neighbours") {
    const reordered = buffers.get("reordered", sourceBytes);
    // A bias is one value a row.
    const isVector = planned.dimensions.length < 2;
    toRotaryNeighbours(
      source,
      reordered,
      isVector ? rowLength : rows,
      isVector ? elementBytes : rowLength * elementBytes,
      layout.headRows,
    );
    source = reordered;
  }
  const isChanged = layout.kind === "transposed" || layout.kind === "plus-one";
  if (tensor.type === target.type && !isChanged) {
    await writer.writeTensor(target, source, at);
    return sourceBytes;
  }
  let floats = source;
  if (tensor.type !== "F32") {
    floats = buffers.get("floats", elements * 4);
    await quantizer.toFloat32(tensor.type, source, floats, elements);
  }
  if (layout.kind === "transposed") {
    const transposed = buffers.get("transposed", elements * 4);
    const shape = { rows: rowLength, rowLength: rows };
    transposeColumns(asFloats(floats), asFloats(transposed), shape, 0, rows);
    floats = transposed;
  }
  if (layout.kind === "plus-one") {
    const values = asFloats(floats);
    for (let index = 0; index < elements; index++) values[index] = (values[index] ?? 0) + 1;
  }
  await writeAs(target, floats, rows, rowLength, at, { writer, buffers, quantizer });
  return sourceBytes;
}

async function writeAs(
  target: TensorInfo,
  floats: Uint8Array,
  rows: number,
  rowLength: number,
  at: number,
  tools: { readonly writer: GgufWriter; readonly buffers: LaneBuffers; readonly quantizer: Quantizer },
): Promise<void> {
  const { type } = target;
  if (type === "F32") return tools.writer.writeTensor(target, floats, at);
  if (type !== "F16" && type !== "BF16" && type !== "Q8_0" && type !== "Q4_0") {
    throw new RangeError(`no conversion to ${type}`);
  }
  const packed = tools.buffers.get("packed", tensorByteLength(type, [rowLength, rows]));
  await tools.quantizer.fromFloat32(type, floats, packed, rows, rowLength);
  await tools.writer.writeTensor(target, packed, at);
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, size) => result * size, 1);
}

function asFloats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

type BufferRole = "source" | "reordered" | "floats" | "transposed" | "packed";

/** A lane's buffers, kept from chunk to chunk: gigabytes of them need not be collected. */
class LaneBuffers {
  readonly #buffers = new Map<BufferRole, ArrayBuffer>();

  get(role: BufferRole, bytes: number): Uint8Array {
    let buffer = this.#buffers.get(role);
    if (!buffer || buffer.byteLength < bytes) {
      buffer = new ArrayBuffer(bytes);
      this.#buffers.set(role, buffer);
    }
    return new Uint8Array(buffer, 0, bytes);
  }
}

/** The checkpoint's files, opened when first read. */
class SourceFiles {
  readonly #handles = new Map<string, Promise<FileHandle>>();

  async read(tensor: StoredTensor, start: number, target: Uint8Array): Promise<Uint8Array> {
    const handle = this.#handles.get(tensor.file) ?? open(tensor.file, "r");
    this.#handles.set(tensor.file, handle);
    const file = await handle;
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await file.read(target, filled, target.length - filled, start + filled);
      if (bytesRead === 0)
        throw new ModelError("invalid_checkpoint", `${tensor.file} ended early; fetch it again`);
      filled += bytesRead;
    }
    return target;
  }

  async close(): Promise<void> {
    const handles = await Promise.allSettled(this.#handles.values());
    await Promise.all(
      handles.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)),
    );
  }
}
