import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import type { SourceType } from "../../inference/llama/quantize.ts";
import { ModelError } from "../errors.ts";
import { isArray, isObject, type Json, type JsonLimits, parseJson } from "./json.ts";

/** A tensor of a safetensors file. */
export interface StoredTensor {
  readonly name: string;
  readonly file: string;
  readonly type: SourceType;
  /** Slowest first, as in PyTorch. */
  readonly shape: readonly number[];
  /** In the file, not in its data section. */
  readonly start: number;
  readonly byteLength: number;
}

/** The format caps its header at 100 MB; the largest published ones are under 2 MB. */
const headerLimits: JsonLimits = { bytes: 16 << 20, depth: 6 };
const maxTensors = 200_000;

const elementBytes: Readonly<Record<SourceType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Integer and boolean tensors are masks and position buffers, never weights; they are known so as to be skipped. */
const ignoredTypes = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64", "F64"]);

/**
 * Reads the header of a safetensors file and checks it against the file's size: every tensor lies inside, has the
 * bytes its shape needs, and shares none with another.
 * @throws ModelError `invalid_checkpoint`
 */
export function readSafetensors(file: string): StoredTensor[] {
  const name = basename(file);
  const fd = openSync(file, "r");
  try {
    const fileSize = fstatSync(fd).size;
    const headerBytes = Number(readExactly(fd, 0, 8, name, fileSize).readBigUInt64LE());
    if (headerBytes > headerLimits.bytes || 8 + headerBytes > fileSize) {
      refuse(
        name,
        `its header claims ${headerBytes} bytes in a file of ${fileSize} (truncated, or no safetensors file?)`,
      );
    }
    const text = readExactly(fd, 8, headerBytes, name, fileSize).toString("utf8");
    const entries = Object.entries(parseJson(text, `the header of ${name}`, headerLimits));
    if (entries.length > maxTensors) refuse(name, `its header lists ${entries.length} tensors`);
    const dataStart = 8 + headerBytes;
    const tensors = entries
      .filter(([key]) => key !== "__metadata__")
      .map(([key, entry]) => parseTensor(key, entry, { file, name, dataStart, fileSize }))
      .filter((tensor) => tensor !== undefined);
    requireDisjoint(tensors, name);
    return tensors;
  } finally {
    closeSync(fd);
  }
}

interface Place {
  readonly file: string;
  readonly name: string;
  readonly dataStart: number;
  readonly fileSize: number;
}

function parseTensor(key: string, entry: Json | undefined, place: Place): StoredTensor | undefined {
  const { file, name, dataStart, fileSize } = place;
  if (!isObject(entry)) refuse(name, `the entry of ${key} is not an object`);
  const { dtype } = entry;
  const shape = integers(entry["shape"]);
  const offsets = integers(entry["data_offsets"]);
  const [begin, end] = offsets ?? [];
  if (!shape || shape.length > 4 || begin === undefined || end === undefined || offsets?.length !== 2) {
    refuse(name, `the shape or the data_offsets of ${key} are malformed`);
  }
  if (begin > end || dataStart + end > fileSize) {
    refuse(
      name,
      `${key} ends at byte ${dataStart + end} of a file of ${fileSize} (truncated? fetch it again)`,
    );
  }
  if (typeof dtype !== "string") refuse(name, `${key} has no dtype`);
  if (ignoredTypes.has(dtype)) return undefined;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    refuse(
      name,
      `${key} is stored as ${dtype}; F32, F16 and BF16 are converted. Choose an unquantized checkpoint or a GGUF`,
    );
  }
  const expected = shape.reduce((product, size) => product * size, elementBytes[dtype]);
  if (end - begin !== expected)
    refuse(name, `${key} has ${end - begin} bytes where its shape needs ${expected}`);
  return { name: key, file, type: dtype, shape, start: dataStart + begin, byteLength: expected };
}

function integers(value: Json | undefined): readonly number[] | undefined {
  if (!isArray(value)) return undefined;
  const isCount = (element: Json): element is number => Number.isSafeInteger(element) && Number(element) >= 0;
  return value.every(isCount) ? value : undefined;
}

function requireDisjoint(tensors: readonly StoredTensor[], name: string): void {
  const inOrder = tensors.filter((tensor) => tensor.byteLength > 0).toSorted((a, b) => a.start - b.start);
  inOrder.reduce((end, tensor) => {
    if (tensor.start < end) refuse(name, `the data of ${tensor.name} overlaps another tensor's`);
    return tensor.start + tensor.byteLength;
  }, 0);
}

function readExactly(fd: number, position: number, length: number, name: string, fileSize: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const read = readSync(fd, buffer, 0, length, position);
  return read === length ? buffer : refuse(name, `it has only ${fileSize} bytes`);
}

function refuse(name: string, why: string): never {
  throw new ModelError("invalid_checkpoint", `${name} can't be converted: ${why}`);
}
