/** The GGUF format, version 3 (ggml's docs/gguf.md): little-endian header, metadata, tensor table, aligned data. */

/** `GGUF` read as a little-endian 32-bit integer. */
export const ggufMagic = 0x46554747;
export const ggufVersion = 3;
export const defaultAlignment = 32;
/** `GGML_MAX_DIMS`. */
export const maxDimensions = 4;
/** `GGML_MAX_NAME` less the closing NUL. */
export const maxTensorNameBytes = 63;

/** `enum gguf_type`. */
export const valueTypeIds = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

export type ValueType = keyof typeof valueTypeIds;
export type ScalarType = Exclude<ValueType, "array">;
export type Scalar = number | bigint | boolean | string;

/** Scalars that all take the same number of bytes. */
export type FixedType = Exclude<ScalarType, "string">;

/** Bytes of a value on disk. */
export const scalarBytes: Readonly<Record<FixedType, number>> = {
  uint8: 1,
  int8: 1,
  bool: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** One metadata value with its type on disk. Arrays hold one scalar type; nested arrays are not used by ggml. */
export type MetadataValue =
  | { readonly type: ScalarType; readonly value: Scalar }
  | { readonly type: "array"; readonly of: ScalarType; readonly value: readonly Scalar[] };

export type Metadata = ReadonlyMap<string, MetadataValue>;

/** `enum ggml_type`: its number, and the elements and bytes of one block (ggml.c, `type_traits`). */
const tensorTypeTable = {
  F32: { id: 0, blockElements: 1, blockBytes: 4 },
  F16: { id: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockElements: 32, blockBytes: 18 },
  Q4_1: { id: 3, blockElements: 32, blockBytes: 20 },
  Q5_0: { id: 6, blockElements: 32, blockBytes: 22 },
  Q5_1: { id: 7, blockElements: 32, blockBytes: 24 },
  Q8_0: { id: 8, blockElements: 32, blockBytes: 34 },
  Q8_1: { id: 9, blockElements: 32, blockBytes: 40 },
  Q2_K: { id: 10, blockElements: 256, blockBytes: 84 },
  Q3_K: { id: 11, blockElements: 256, blockBytes: 110 },
  Q4_K: { id: 12, blockElements: 256, blockBytes: 144 },
  Q5_K: { id: 13, blockElements: 256, blockBytes: 176 },
  Q6_K: { id: 14, blockElements: 256, blockBytes: 210 },
  Q8_K: { id: 15, blockElements: 256, blockBytes: 292 },
  IQ2_XXS: { id: 16, blockElements: 256, blockBytes: 66 },
  IQ2_XS: { id: 17, blockElements: 256, blockBytes: 74 },
  IQ3_XXS: { id: 18, blockElements: 256, blockBytes: 98 },
  IQ1_S: { id: 19, blockElements: 256, blockBytes: 50 },
  IQ4_NL: { id: 20, blockElements: 32, blockBytes: 18 },
  IQ3_S: { id: 21, blockElements: 256, blockBytes: 110 },
  IQ2_S: { id: 22, blockElements: 256, blockBytes: 82 },
  IQ4_XS: { id: 23, blockElements: 256, blockBytes: 136 },
  I8: { id: 24, blockElements: 1, blockBytes: 1 },
  I16: { id: 25, blockElements: 1, blockBytes: 2 },
  I32: { id: 26, blockElements: 1, blockBytes: 4 },
  I64: { id: 27, blockElements: 1, blockBytes: 8 },
  F64: { id: 28, blockElements: 1, blockBytes: 8 },
  IQ1_M: { id: 29, blockElements: 256, blockBytes: 56 },
  BF16: { id: 30, blockElements: 1, blockBytes: 2 },
  TQ1_0: { id: 34, blockElements: 256, blockBytes: 54 },
  TQ2_0: { id: 35, blockElements: 256, blockBytes: 66 },
  MXFP4: { id: 39, blockElements: 32, blockBytes: 17 },
  NVFP4: { id: 40, blockElements: 64, blockBytes: 36 },
  Q1_0: { id: 41, blockElements: 128, blockBytes: 18 },
  Q2_0: { id: 42, blockElements: 64, blockBytes: 18 },
} as const;

export type TensorType = keyof typeof tensorTypeTable;

export interface TensorTypeTraits {
  /** The number of `enum ggml_type`. */
  readonly id: number;
  readonly blockElements: number;
  readonly blockBytes: number;
}

export const tensorTypes: Readonly<Record<TensorType, TensorTypeTraits>> = tensorTypeTable;

const tensorTypeOfId = new Map(
  (Object.keys(tensorTypeTable) as TensorType[]).map((name) => [tensorTypes[name].id, name]),
);

export function tensorTypeById(id: number): TensorType | undefined {
  return tensorTypeOfId.get(id);
}

/** A tensor as the file's table describes it. `dimensions` run fastest first, as ggml's `ne` does. */
export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  readonly dimensions: readonly number[];
  /** From the start of the data section. */
  readonly offset: number;
  readonly byteLength: number;
}

/** The bytes of a tensor: whole blocks per row. */
export function tensorByteLength(type: TensorType, dimensions: readonly number[]): number {
  const { blockElements, blockBytes } = tensorTypes[type];
  return (dimensions.reduce((product, size) => product * size, 1) / blockElements) * blockBytes;
}

export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
