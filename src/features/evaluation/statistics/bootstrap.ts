import type { Interval } from "./interval.ts";
import { normalCdf, normalQuantile } from "./normal.ts";
import { SeededRandom } from "./random.ts";
import { mean, quantileOfSorted } from "./sample.ts";

export interface BootstrapOptions {
  /** 0.95 when left out. */
  readonly confidence?: number;
  /** Resamples; `resamplesFor` the sample when left out. */
  readonly resamples?: number;
  /** Seed of the draws; 42 when left out. The same sample, resamples and seed give the same interval. */
  readonly seed?: number;
}

/** Draws that one interval may cost: about a fifth of a second. */
const MAX_DRAWS = 20_000_000;
const MIN_RESAMPLES = 1_000;
const MAX_RESAMPLES = 10_000;

/** 10,000 up to 2,000 values, fewer for larger samples, whose intervals need them less; never under 1,000. */
export function resamplesFor(sampleSize: number): number {
  return Math.min(MAX_RESAMPLES, Math.max(MIN_RESAMPLES, Math.floor(MAX_DRAWS / sampleSize)));
}

/** Bias-corrected and accelerated bootstrap interval of the mean (Efron 1987), with draws from a seeded generator. */
export function bootstrapMeanInterval(values: readonly number[], options: BootstrapOptions = {}): Interval {
  const { confidence = 0.95, seed = 42, resamples = resamplesFor(values.length) } = options;
  return bcaInterval(values, bootstrapMeans(values, resamples, new SeededRandom(seed)), confidence);
}

/** Means of `resamples` samples drawn from `values` with replacement. Shape: [resamples]. */
export function bootstrapMeans(
  values: readonly number[],
  resamples: number,
  random: SeededRandom,
): Float64Array {
  const from = Float64Array.from(values);
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let draw = 0; draw < from.length; draw++) sum += from[random.integer(from.length)] as number;
    return sum / from.length;
  });
}

/**
 * The BCa interval of the mean of `values` out of the means of its resamples: percentiles of those, shifted by the bias
 * z0 (how far the observed mean is from the resamples' median) and the acceleration a (the skew of the jackknife).
 * Efron and Tibshirani (1993), equations 14.9 to 14.15.
 */
export function bcaInterval(
  values: readonly number[],
  resampleMeans: Float64Array,
  confidence: number,
): Interval {
  const observed = mean(values);
  const sorted = resampleMeans.toSorted();
  const { bias, acceleration } = bcaParameters(values, sorted, observed);
  const limit = (z: number) => {
    // All resamples on one side of the observed mean: nothing varies, or next to nothing.
    if (!Number.isFinite(bias)) return observed;
    const shifted = bias + (bias + z) / (1 - acceleration * (bias + z));
    return quantileOfSorted(sorted, normalCdf(shifted));
  };
  const z = normalQuantile(0.5 - confidence / 2);
  return { lower: limit(z), upper: limit(-z) };
}

/** z0 and a. Resample means equal to the observed one count as half below it, since scores are often whole numbers. */
export function bcaParameters(
  values: readonly number[],
  resampleMeans: Float64Array,
  observed = mean(values),
): { readonly bias: number; readonly acceleration: number } {
  let below = 0;
  for (const value of resampleMeans) below += value < observed ? 1 : value === observed ? 0.5 : 0;
  // Leaving value i out moves the mean by (value - mean) / (n - 1), so the jackknife's sums need no loop over samples.
  let squares = 0;
  let cubes = 0;
  for (const value of values) {
    const influence = value - observed;
    squares += influence ** 2;
    cubes += influence ** 3;
  }
  return {
    bias: normalQuantile(below / resampleMeans.length),
    acceleration: squares === 0 ? 0 : cubes / (6 * squares ** 1.5),
  };
}
