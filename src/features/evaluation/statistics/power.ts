import { studentQuantile } from "./student-t.ts";

export interface PowerOptions {
  /** Chance of calling a difference that is not there; 0.05 when left out. */
  readonly significance?: number;
  /** Chance of noticing one that is; 0.8 when left out. */
  readonly power?: number;
}

/**
 * The smallest true mean difference that a paired comparison of `count` records would notice with the given power:
 * (t[1 - α/2] + t[power]) · s / √n, with n - 1 degrees of freedom. `deviation` is the differences' standard deviation.
 * Infinite for fewer than two records.
 */
export function minimumDetectableEffect(
  count: number,
  deviation: number,
  options: PowerOptions = {},
): number {
  const { significance = 0.05, power = 0.8 } = options;
  if (count < 2) return Number.POSITIVE_INFINITY;
  const degrees = count - 1;
  const reach = studentQuantile(1 - significance / 2, degrees) + studentQuantile(power, degrees);
  return (reach * deviation) / Math.sqrt(count);
}

/** Records that a paired comparison needs to notice a true difference of `effect`; Infinity for an effect of 0. */
export function recordsNeeded(effect: number, deviation: number, options: PowerOptions = {}): number {
  const enough = (count: number) => minimumDetectableEffect(count, deviation, options) <= Math.abs(effect);
  if (deviation === 0) return 2;
  if (effect === 0) return Number.POSITIVE_INFINITY;
  let high = 2;
  while (!enough(high)) high *= 2;
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
