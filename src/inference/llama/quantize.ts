import type { KoffiFunc, LibraryHandle } from "koffi";
import { findLibraries } from "./library.ts";
import { openLibrary } from "./native-library.ts";

/** The formats that checkpoints come in, by the names safetensors gives them. */
export type SourceType = "F32" | "F16" | "BF16";

/** `enum ggml_type` of the formats that can be written, and the elements and bytes of one block. */
const targetTypes = {
  F16: { id: 1, elements: 1, bytes: 2 },
  BF16: { id: 30, elements: 1, bytes: 2 },
  Q8_0: { id: 8, elements: 32, bytes: 34 },
  Q4_0: { id: 2, elements: 32, bytes: 18 },
} as const;
export type QuantizedType = keyof typeof targetTypes;

/**
 * Changes the number format of tensor rows with libggml's own code (ggml/include/ggml.h, release v0.4.0). Calls run
 * on libuv's thread pool: the event loop stays free, and two calls at once use two cores. The caller keeps both
 * buffers alive and untouched until the promise settles.
 */
export interface Quantizer {
  /** Widens `count` values; `F32` input needs no call. */
  toFloat32(from: "F16" | "BF16", source: Uint8Array, target: Uint8Array, count: number): Promise<void>;
  /** Packs `rows` rows of `rowElements` floats into `target`. */
  fromFloat32(
    to: QuantizedType,
    source: Uint8Array,
    target: Uint8Array,
    rows: number,
    rowElements: number,
  ): Promise<void>;
}

const quantizers = new Map<string, Quantizer>();

/**
 * Loads libggml's base library: from `libraryDirectory` when given, else from the installed package.
 * @throws LlamaError `library_not_found`
 */
export function loadQuantizer(libraryDirectory?: string): Quantizer {
  const { base } = findLibraries(libraryDirectory).files;
  const known = quantizers.get(base);
  if (known !== undefined) return known;
  const quantizer = bindQuantizer(openLibrary(base));
  quantizers.set(base, quantizer);
  return quantizer;
}

function bindQuantizer(library: LibraryHandle): Quantizer {
  const widen = {
    F16: library.func("void ggml_fp16_to_fp32_row(const void *x, void *y, int64_t n)"),
    BF16: library.func("void ggml_bf16_to_fp32_row(const void *x, void *y, int64_t n)"),
  };
  const quantizeChunk = library.func(
    "size_t ggml_quantize_chunk(int type, const void *src, void *dst, int64_t start, int64_t nrows, int64_t n_per_row, const void *imatrix)",
  );
  return {
    async toFloat32(from, source, target, count) {
      requireRoom(source, count * 2);
      requireRoom(target, count * 4);
      await call(widen[from], source, target, count);
    },
    async fromFloat32(to, source, target, rows, rowElements) {
      const { id, elements, bytes } = targetTypes[to];
      if (rowElements % elements !== 0)
        throw new RangeError(`${rowElements} elements are not whole blocks of ${to}`);
      requireRoom(source, rows * rowElements * 4);
      requireRoom(target, ((rows * rowElements) / elements) * bytes);
      await call(quantizeChunk, id, source, target, 0, rows, rowElements, null);
    },
  };
}

/** Native code trusts its arguments, so sizes are checked here. */
function requireRoom(buffer: Uint8Array, bytes: number): void {
  if (buffer.length < bytes) throw new RangeError(`a buffer of ${buffer.length} bytes is given for ${bytes}`);
}

function call(
  native: KoffiFunc<(...parameters: unknown[]) => unknown>,
  ...parameters: unknown[]
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    native.async(...parameters, (error: unknown, result: unknown) =>
      error ? reject(error) : resolve(result),
    );
  });
}
