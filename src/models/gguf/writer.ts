import { type FileHandle, open } from "node:fs/promises";
import { ModelError, systemCodeOf } from "../errors.ts";
import { encodeHeader } from "./header.ts";
import {
  alignUp,
  defaultAlignment,
  type Metadata,
  type TensorInfo,
  type TensorType,
  tensorByteLength,
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

  /** Pads the file to its full size and closes it. `durable` waits until it is on the disk. */
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
