import type { SeededRandom } from "../load/random.ts";

/** The formats that random weights are written in. */
export type BlockType = "F32" | "Q8_0" | "Q4_0";

/** ggml's blocks of 32 weights: a half-precision scale, then the packed integers. */
const blocks = {
  // Bytes are uniform in -128 … 127.
  Q8_0: { bytes: 34, integerSpread: 256 / Math.sqrt(12) },
  // Nibbles less 8 are uniform in -8 … 7.
  Q4_0: { bytes: 18, integerSpread: 16 / Math.sqrt(12) },
} as const;
const WEIGHTS_PER_BLOCK = 32;

export interface RandomWeights {
  readonly type: BlockType;
  readonly count: number;
  /** Standard deviation. */
  readonly spread: number;
  readonly mean?: number;
}

/**
 * Weights as they lie in the file. Quantized ones are random integers under one scale: nothing has to be
 * quantized, and the kernels' work does not depend on the values.
 */
export function randomWeights(weights: RandomWeights, random: SeededRandom): Buffer {
  if (weights.type === "F32") return randomFloats(weights, random);
  const { bytes, integerSpread } = blocks[weights.type];
  const data = randomBytes((weights.count / WEIGHTS_PER_BLOCK) * bytes, random);
  const scale = halfBits(weights.spread / integerSpread);
  for (let at = 0; at < data.length; at += bytes) {
    // A random sign of the scale takes away the integers' mean of -0.5.
    data.writeUInt16LE(scale | ((data.readUInt16LE(at) & 1) << 15), at);
  }
  return data;
}

/** Makes the first `count` weights of quantized data zero. */
export function silence(data: Buffer, type: Exclude<BlockType, "F32">, count: number): void {
  const { bytes } = blocks[type];
  for (let block = 0; block < count / WEIGHTS_PER_BLOCK; block++) data.writeUInt16LE(0, block * bytes);
}

function randomFloats({ count, spread, mean = 0 }: RandomWeights, random: SeededRandom): Buffer {
  const floats = Float32Array.from({ length: count }, () => mean + spread * random.normal());
  return Buffer.from(floats.buffer);
}

function randomBytes(length: number, random: SeededRandom): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at++) words[at] = random.bits();
  return Buffer.from(words.buffer, 0, length);
}

/** IEEE half precision of a positive number, rounded down; its exponent must be in the format's normal range. */
export function halfBits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  const exponent = (bits >>> 23) - 127 + 15;
  if (exponent < 1 || exponent > 30) throw new RangeError(`${value} has no normal half-precision form`);
  return (exponent << 10) | ((bits >>> 13) & 0x3ff);
}
