import { number } from "./checkpoint.ts";
import type { TestConfig } from "./checkpoint-configs.ts";

export interface Rotary {
  readonly inverseFrequencies: readonly number[];
  /** YaRN's: multiplies cosines and sines. */
  readonly amplitude: number;
}

/** transformers' `modeling_rope_utils.py`, by the formulas of the papers it cites. */
export function rotaryOf(config: TestConfig, headSize: number): Rotary {
  const scaling = (config["rope_scaling"] ?? {}) as TestConfig;
  const theta = number(config, "rope_theta");
  const plain = Array.from({ length: headSize / 2 }, (_, i) => theta ** ((-2 * i) / headSize));
  switch (scaling["rope_type"]) {
    case undefined:
      return { inverseFrequencies: plain, amplitude: 1 };
    case "linear":
      return { inverseFrequencies: plain.map((f) => f / number(scaling, "factor")), amplitude: 1 };
    case "llama3":
      return { inverseFrequencies: plain.map((f) => llama3Frequency(f, scaling)), amplitude: 1 };
    case "yarn":
      return yarn(plain, theta, headSize, scaling);
    default:
      throw new Error("no reference for this rope scaling");
  }
}

function llama3Frequency(frequency: number, scaling: TestConfig): number {
  const factor = number(scaling, "factor");
  const low = number(scaling, "low_freq_factor");
  const high = number(scaling, "high_freq_factor");
  const context = number(scaling, "original_max_position_embeddings");
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < context / high) return frequency;
  if (wavelength > context / low) return frequency / factor;
  const smooth = (context / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

function yarn(plain: readonly number[], theta: number, headSize: number, scaling: TestConfig): Rotary {
  const factor = number(scaling, "factor");
  const context = number(scaling, "original_max_position_embeddings");
  const dimensionAt = (rotations: number) =>
    (headSize * Math.log(context / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(Math.floor(dimensionAt(32)), 0);
  const high = Math.min(Math.ceil(dimensionAt(1)), headSize - 1);
  const inverseFrequencies = plain.map((frequency, index) => {
    const ramp = Math.min(1, Math.max(0, (index - low) / Math.max(high - low, 0.001)));
    return (frequency / factor) * ramp + frequency * (1 - ramp);
  });
  return { inverseFrequencies, amplitude: 0.1 * Math.log(factor) + 1 };
}

/** Hugging Face's `rotate_half`: pairs are i and i + d/2. */
export function rotate(
  head: Float64Array,
  position: number,
  { inverseFrequencies, amplitude }: Rotary,
): Float64Array {
  const half = head.length / 2;
  const rotated = new Float64Array(head.length);
  for (let i = 0; i < half; i++) {
    const angle = position * (inverseFrequencies[i] ?? 0);
    const cosine = Math.cos(angle) * amplitude;
    const sine = Math.sin(angle) * amplitude;
    const a = head[i] ?? 0;
    const b = head[i + half] ?? 0;
    rotated[i] = a * cosine - b * sine;
    rotated[i + half] = b * cosine + a * sine;
  }
  return rotated;
}
