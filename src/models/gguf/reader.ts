import { closeSync, fstatSync, openSync } from "node:fs";
import { basename } from "node:path";
import { ModelError, systemCodeOf } from "../errors.ts";
import { Cursor } from "./cursor.ts";
import {
  alignUp,
  defaultAlignment,
  ggufMagic,
  ggufVersion,
  type MetadataValue,
  maxDimensions,
  maxTensorNameBytes,
  type Scalar,
  type ScalarType,
  scalarBytes,
  type TensorInfo,
  tensorByteLength,
  tensorTypeById,
  tensorTypes,
  valueTypeIds,
} from "./types.ts";

/** What a GGUF file says about itself; tensor data stays on disk. */
export interface GgufFile {
  readonly path: string;
  readonly version: number;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: readonly TensorInfo[];
  readonly alignment: number;
  /** Where the data section starts; a tensor's bytes are at `dataOffset + tensor.offset`. */
  readonly dataOffset: number;
  readonly fileSize: number;
}

/**
 * Far above any real file (the largest vocabularies have 300 thousand tokens and under 20 MB of metadata), and
 * low enough that a hostile file can't take the process's memory.
 */
const limits = {
  metadataBytes: 512 << 20,
  metadataKeys: 65_536,
  arrayElements: 1 << 22,
  /** Of all arrays together: a byte on disk is a number of eight bytes in memory. */
  metadataElements: 1 << 24,
  tensors: 65_536,
  keyBytes: 65_535,
  alignment: 1 << 20,
} as const;

const scalarTypeOfId = new Map(
  (Object.keys(valueTypeIds) as (keyof typeof valueTypeIds)[])
    .filter((name): name is ScalarType => name !== "array")
    .map((name) => [valueTypeIds[name] as number, name]),
);

/** The fewest bytes one element can take on disk; a string is at least its length. */
const minimumBytes: Readonly<Record<ScalarType, number>> = { ...scalarBytes, string: 8 };

/**
 * Reads the header, metadata and tensor table of a GGUF file (version 2 or 3), checking every count, length and
 * offset against the file's size before it is used.
 * @throws ModelError `not_found`, `is_directory`, `not_gguf` or `invalid_gguf`
 */
export function readGguf(path: string): GgufFile {
  const fd = openModelFile(path);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) {
      throw new ModelError("is_directory", `${path} is a directory; name the .gguf file inside it`);
    }
    return parse(new Cursor(fd, stat.size, basename(path)), path, stat.size);
  } finally {
    closeSync(fd);
  }
}

function openModelFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const code = systemCodeOf(error);
    const reason =
      code === "ENOENT" || code === "ENOTDIR"
        ? "there is no such file"
        : `it can't be opened (${code ?? "unknown error"})`;
    throw new ModelError("not_found", `No model at ${path}: ${reason}`, { cause: error });
  }
}

function parse(cursor: Cursor, path: string, fileSize: number): GgufFile {
  if (fileSize < 4 || cursor.uint32() !== ggufMagic) {
    throw new ModelError(
      "not_gguf",
      `${path} is not a GGUF file: it does not start with the letters GGUF. Convert it, or choose a .gguf file`,
    );
  }
  const version = cursor.uint32();
  if (version !== ggufVersion && version !== 2) {
    const endianHint = (version & 0xffff) === 0 ? " (a big-endian file?)" : "";
    cursor.fail(`its version is ${version}${endianHint}; versions 2 and 3 are read`);
  }
  const tensorCount = cursor.count("the number of tensors", limits.tensors);
  const keyCount = cursor.count("the number of metadata keys", limits.metadataKeys);
  const metadata = readMetadata(cursor, keyCount);
  const alignment = alignmentOf(metadata, cursor);
  const entries = Array.from({ length: tensorCount }, () => readTensorEntry(cursor));
  const dataOffset = alignUp(cursor.position, alignment);
  const tensors = checkPlacement(entries, { alignment, dataOffset, fileSize }, cursor);
  return { path, version, metadata, tensors, alignment, dataOffset, fileSize };
}

function readMetadata(cursor: Cursor, keyCount: number): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  let elements = 0;
  for (let index = 0; index < keyCount; index++) {
    const key = cursor.string("a metadata key", limits.keyBytes);
    if (key === "" || metadata.has(key))
      cursor.fail(`metadata key ${JSON.stringify(key)} is empty or repeated`);
    const value = readValue(cursor, key);
    metadata.set(key, value);
    elements += value.type === "array" ? value.value.length : 1;
    if (elements > limits.metadataElements)
      cursor.fail(`its metadata has more than ${limits.metadataElements} values`);
    if (cursor.position > limits.metadataBytes) {
      cursor.fail(`its metadata takes more than ${limits.metadataBytes} bytes`);
    }
  }
  return metadata;
}

function readValue(cursor: Cursor, key: string): MetadataValue {
  const typeId = cursor.uint32();
  if (typeId !== valueTypeIds.array) {
    const type = scalarType(cursor, typeId, key);
    return { type, value: readScalar(cursor, type, key) };
  }
  const of = scalarType(cursor, cursor.uint32(), key);
  const room = Math.floor(cursor.remaining / minimumBytes[of]);
  const length = cursor.count(`the number of elements of ${key}`, Math.min(room, limits.arrayElements));
  const value: Scalar[] = [];
  for (let index = 0; index < length; index++) value.push(readScalar(cursor, of, key));
  return { type: "array", of, value };
}

function scalarType(cursor: Cursor, id: number, key: string): ScalarType {
  return scalarTypeOfId.get(id) ?? cursor.fail(`${key} has the unknown or nested value type ${id}`);
}

function readScalar(cursor: Cursor, type: ScalarType, key: string): Scalar {
  switch (type) {
    case "string":
      return cursor.string(key, Math.max(0, limits.metadataBytes - cursor.position));
    case "bool":
      return cursor.uint8() !== 0;
    default:
      return cursor[type]();
  }
}

function alignmentOf(metadata: ReadonlyMap<string, MetadataValue>, cursor: Cursor): number {
  const entry = metadata.get("general.alignment");
  if (!entry) return defaultAlignment;
  const { value } = entry;
  const isPowerOfTwo = typeof value === "number" && Number.isInteger(Math.log2(value));
  if (entry.type !== "uint32" || !isPowerOfTwo || value > limits.alignment) {
    cursor.fail(
      `general.alignment is ${String(value)}; a power of two up to ${limits.alignment} is expected`,
    );
  }
  return value;
}

type TensorEntry = Omit<TensorInfo, "byteLength">;

function readTensorEntry(cursor: Cursor): TensorEntry {
  const name = cursor.string("a tensor name", maxTensorNameBytes);
  const rank = cursor.uint32();
  if (rank > maxDimensions)
    cursor.fail(`tensor ${name} has ${rank} dimensions, at most ${maxDimensions} are known`);
  const dimensions = Array.from({ length: rank }, () =>
    cursor.count(`a dimension of ${name}`, Number.MAX_SAFE_INTEGER),
  );
  const typeId = cursor.uint32();
  const type = tensorTypeById(typeId) ?? cursor.fail(`tensor ${name} has the unknown type ${typeId}`);
  const offset = cursor.count(`the offset of ${name}`, Number.MAX_SAFE_INTEGER);
  return { name, type, dimensions, offset };
}

interface DataSection {
  readonly alignment: number;
  readonly dataOffset: number;
  readonly fileSize: number;
}

/** Every tensor lies inside the file, aligned, and shares no byte with another. */
function checkPlacement(entries: readonly TensorEntry[], section: DataSection, cursor: Cursor): TensorInfo[] {
  const tensors = entries.map((entry) => {
    const firstDimension = entry.dimensions[0] ?? 1;
    if (firstDimension % tensorTypes[entry.type].blockElements !== 0) {
      cursor.fail(`rows of ${entry.name} (${firstDimension} elements) are not whole blocks of ${entry.type}`);
    }
    const byteLength = tensorByteLength(entry.type, entry.dimensions);
    if (!Number.isSafeInteger(byteLength) || byteLength === 0)
      cursor.fail(`tensor ${entry.name} has no usable size`);
    const end = section.dataOffset + entry.offset + byteLength;
    if (end > section.fileSize) {
      cursor.fail(
        `tensor ${entry.name} ends at byte ${end} but the file has ${section.fileSize}: the download was cut short? ` +
          "Fetch it again",
      );
    }
    if (entry.offset % section.alignment !== 0) cursor.fail(`tensor ${entry.name} is not aligned`);
    return { ...entry, byteLength };
  });
  if (new Set(tensors.map((tensor) => tensor.name)).size !== tensors.length)
    cursor.fail("a tensor name is repeated");
  const byOffset = tensors.toSorted((a, b) => a.offset - b.offset);
  byOffset.reduce((end, tensor) => {
    if (tensor.offset < end) cursor.fail(`tensor ${tensor.name} overlaps another`);
    return tensor.offset + tensor.byteLength;
  }, 0);
  return tensors;
}
