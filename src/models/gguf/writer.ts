import { type FileHandle, open } from "node:fs/promises";
import { ModelError, systemCodeOf } from "../errors.ts";
import {
  alignUp,
  defaultAlignment,
  ggufMagic,
  ggufVersion,
  type Metadata,
  type MetadataValue,
  maxTensorNameBytes,
  type Scalar,
  type ScalarType,
  type TensorInfo,
  type TensorType,
  tensorByteLength,
  tensorTypes,
  valueTypeIds,
} from "./types.ts";

/** A tensor to be written; its place in the file follows from the ones before it. */
export interface TensorDeclaration {
  readonly name: string;
  readonly type: TensorType;
  /** Fastest first, as ggml's `ne`: a PyTorch weight of shape [out, in] has [in, out]. */
  readonly dimensions: readonly number[];
}

/**
 * Writes a GGUF file tensor by tensor. All sizes are known before the first byte, so the header is written once
 * and tensor data may then come in any order and in pieces; nothing but those pieces is held in memory.
 */
export class GgufWriter {
  readonly tensors: readonly TensorInfo[];
  /** The finished file's size. */
  readonly byteLength: number;
  readonly #header: Buffer;
  readonly #path: string;
  #file: FileHandle | undefined;

  constructor(path: string, metadata: Metadata, declarations: readonly TensorDeclaration[]) {
    this.#path = path;
    let offset = 0;
    this.tensors = declarations.map((declaration) => {
      const byteLength = tensorByteLength(declaration.type, declaration.dimensions);
      const tensor = { ...declaration, offset, byteLength };
      offset = alignUp(offset + byteLength, defaultAlignment);
      return tensor;
    });
    this.#header = encodeHeader(metadata, this.tensors);
    this.byteLength = this.#header.length + offset;
  }

  /** Creates the file and writes everything but tensor data. */
  async open(): Promise<void> {
    this.#file = await open(this.#path, "w");
    await this.#write(this.#header, 0);
  }

  /** Writes a piece of a tensor's data, `at` bytes from the tensor's start. */
  async writeTensor(tensor: TensorInfo, data: Uint8Array, at = 0): Promise<void> {
    if (at + data.length > tensor.byteLength) {
      throw new RangeError(
        `${data.length} bytes at ${at} overrun tensor ${tensor.name} (${tensor.byteLength} bytes)`,
      );
    }
    await this.#write(data, this.#header.length + tensor.offset + at);
  }

  /** Pads the file to its full size and closes it. `durable` waits until the disk has it. */
  async close(options: { readonly durable?: boolean } = {}): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    try {
      await file.truncate(this.byteLength);
      if (options.durable) await file.sync();
    } finally {
      await file.close();
    }
  }

  async #write(data: Uint8Array, position: number): Promise<void> {
    if (!this.#file) throw new Error("the GGUF writer is not open");
    try {
      let written = 0;
      while (written < data.length) {
        const result = await this.#file.write(data, written, data.length - written, position + written);
        written += result.bytesWritten;
      }
    } catch (error) {
      if (systemCodeOf(error) !== "ENOSPC") throw error;
      throw new ModelError(
        "disk_full",
        `The disk became full while ${this.#path} was written; free some space`,
        {
          cause: error,
        },
      );
    }
  }
}

function encodeHeader(metadata: Metadata, tensors: readonly TensorInfo[]): Buffer {
  const parts: Buffer[] = [
    uint32(ggufMagic),
    uint32(ggufVersion),
    uint64(tensors.length),
    uint64(metadata.size),
  ];
  for (const [key, value] of metadata) parts.push(string(key), encodeValue(value));
  for (const tensor of tensors) {
    if (Buffer.byteLength(tensor.name) > maxTensorNameBytes) {
      throw new RangeError(`the tensor name ${tensor.name} is longer than ${maxTensorNameBytes} bytes`);
    }
    parts.push(string(tensor.name), uint32(tensor.dimensions.length));
    for (const size of tensor.dimensions) parts.push(uint64(size));
    parts.push(uint32(tensorTypes[tensor.type].id), uint64(tensor.offset));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc(alignUp(length, defaultAlignment) - length));
  return Buffer.concat(parts);
}

function encodeValue(entry: MetadataValue): Buffer {
  if (entry.type !== "array") {
    return Buffer.concat([uint32(valueTypeIds[entry.type]), scalar(entry.type, entry.value)]);
  }
  const head = [uint32(valueTypeIds.array), uint32(valueTypeIds[entry.of]), uint64(entry.value.length)];
  return Buffer.concat(head.concat(entry.value.map((element) => scalar(entry.of, element))));
}

function scalar(type: ScalarType, value: Scalar): Buffer {
  switch (type) {
    case "string":
      return string(String(value));
    case "bool":
      return Buffer.of(value ? 1 : 0);
    case "uint64":
      return uint64(BigInt(value));
    case "int64": {
      const buffer = Buffer.alloc(8);
      buffer.writeBigInt64LE(BigInt(value));
      return buffer;
    }
    default:
      return number(type, Number(value));
  }
}

type NumberType = Exclude<ScalarType, "string" | "bool" | "uint64" | "int64">;

function number(type: NumberType, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  switch (type) {
    case "uint8":
      return buffer.subarray(0, buffer.writeUInt8(value));
    case "int8":
      return buffer.subarray(0, buffer.writeInt8(value));
    case "uint16":
      return buffer.subarray(0, buffer.writeUInt16LE(value));
    case "int16":
      return buffer.subarray(0, buffer.writeInt16LE(value));
    case "uint32":
      return buffer.subarray(0, buffer.writeUInt32LE(value));
    case "int32":
      return buffer.subarray(0, buffer.writeInt32LE(value));
    case "float32":
      return buffer.subarray(0, buffer.writeFloatLE(value));
    case "float64":
      return buffer.subarray(0, buffer.writeDoubleLE(value));
    default:
      return type satisfies never;
  }
}

function uint32(value: number): Buffer {
  return number("uint32", value);
}

function uint64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([uint64(bytes.length), bytes]);
}
