import { writeFileSync } from "node:fs";

export type StoredType = "F32" | "F16" | "BF16";

export interface TestTensor {
  /** Slowest first, as PyTorch has it. */
  readonly shape: readonly number[];
  /** Already rounded to the type it is stored as. */
  readonly values: Float32Array;
}

export type TestTensors = ReadonlyMap<string, TestTensor>;

/** Writes tensors in Hugging Face's safetensors format: an 8-byte length, a JSON header, the data. */
export function writeSafetensors(path: string, tensors: TestTensors, type: StoredType): void {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const blobs: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    const data = encode(values, type);
    header[name] = { dtype: type, shape, data_offsets: [at, at + data.length] };
    blobs.push(data);
    at += data.length;
  }
  writeFileSync(path, Buffer.concat([encodeHeader(JSON.stringify(header)), ...blobs]));
}

/** The length and the text, padded with spaces to a multiple of 8 as Hugging Face's writer does. */
export function encodeHeader(json: string): Buffer {
  const text = Buffer.from(json.padEnd(Math.ceil(Buffer.byteLength(json) / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text]);
}

export function roundTo(value: number, type: StoredType): number {
  if (type === "F32") return Math.fround(value);
  return type === "BF16" ? fromBf16(toBf16(value)) : fromF16(toF16(value));
}

function encode(values: Float32Array, type: StoredType): Buffer {
  if (type === "F32") return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const bits = Uint16Array.from(values, type === "BF16" ? toBf16 : toF16);
  return Buffer.from(bits.buffer);
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Round to nearest, ties to even, on the upper half of the float's bits. */
function toBf16(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0] ?? 0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function fromBf16(bits: number): number {
  bitsView[0] = bits << 16;
  return floatView[0] ?? 0;
}

/** IEEE half precision, from the definition: scale to the exponent's grid, round to even. */
function toF16(value: number): number {
  const sign = Object.is(Math.sign(value), -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return sign;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const step = 2 ** (exponent - 10);
  const scaled = magnitude / step;
  const floor = Math.floor(scaled);
  const isUp = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
  const mantissa = floor + (isUp ? 1 : 0);
  // A mantissa that rounds up to 2048 carries into the exponent by itself; below 1024 the number is subnormal.
  return sign | (mantissa < 1024 ? mantissa : ((exponent + 15) << 10) + (mantissa - 1024));
}

function fromF16(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const magnitude = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}
