import { SeededRandom } from "./random.ts";

export interface PermutationOptions {
  /** Sign patterns drawn where all of them are too many; 10,000 when left out. */
  readonly resamples?: number;
  /** 42 when left out. */
  readonly seed?: number;
}

export interface PermutationResult {
  readonly pValue: number;
  readonly method: "exact" | "monte_carlo";
}

/** Differences up to which every one of the 2^n patterns is tried: a million, a few milliseconds. */
const MAX_EXACT = 20;

/**
 * Two-sided paired permutation test of the mean difference: were the two runs the same, each difference would be as
 * likely with the other sign. p is the share of sign patterns whose mean is at least as far from 0 as the observed one.
 * Exact for up to 20 differences other than 0 (those change nothing); above that from seeded draws. The observed pattern
 * counts as one of them, because p must never be 0 (Phipson and Smyth 2010).
 */
export function permutationTest(
  differences: readonly number[],
  options: PermutationOptions = {},
): PermutationResult {
  const { resamples = 10_000, seed = 42 } = options;
  const moving = Float64Array.from(differences.filter((difference) => difference !== 0));
  const observed = Math.abs(moving.reduce((sum, value) => sum + value, 0));
  // Sums of the same numbers in another order differ in their last bits.
  const size = moving.reduce((sum, value) => sum + Math.abs(value), 0);
  const threshold = observed - size * 1e-12;
  if (moving.length <= MAX_EXACT) {
    return { pValue: countExtreme(moving, threshold) / 2 ** moving.length, method: "exact" };
  }
  const random = new SeededRandom(seed);
  let extreme = 1;
  for (let draw = 0; draw < resamples; draw++) {
    if (Math.abs(randomSum(moving, random)) >= threshold) extreme++;
  }
  return { pValue: extreme / (resamples + 1), method: "monte_carlo" };
}

/** Sign patterns with |sum| >= threshold, in Gray-code order: each step turns one sign. */
function countExtreme(values: Float64Array, threshold: number): number {
  const patterns = 2 ** values.length;
  const signed = values.slice();
  let sum = values.reduce((total, value) => total + value, 0);
  let extreme = Math.abs(sum) >= threshold ? 1 : 0;
  for (let step = 1; step < patterns; step++) {
    const turned = 31 - Math.clz32(step & -step);
    const value = signed[turned] as number;
    signed[turned] = -value;
    sum -= 2 * value;
    if (Math.abs(sum) >= threshold) extreme++;
  }
  return extreme;
}

function randomSum(values: Float64Array, random: SeededRandom): number {
  let sum = 0;
  let bits = 0;
  for (let index = 0; index < values.length; index++) {
    if (index % 32 === 0) bits = random.uint32();
    const value = values[index] as number;
    sum += bits & 1 ? value : -value;
    bits >>>= 1;
  }
  return sum;
}
