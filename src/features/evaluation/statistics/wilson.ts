import type { Interval } from "./interval.ts";
import { criticalZ } from "./normal.ts";

/**
 * Wilson's score interval of a rate: `successes` of `trials`. Unlike rate ± z·SE it stays within 0 and 1 and covers
 * well for few trials and rates near either end (Brown, Cai and DasGupta 2001).
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): Interval {
  if (trials === 0) return { lower: 0, upper: 1 };
  const z = criticalZ(confidence);
  const rate = successes / trials;
  const spread =
    (z * Math.sqrt((rate * (1 - rate)) / trials + (z / (2 * trials)) ** 2)) / (1 + z ** 2 / trials);
  const center = (rate + z ** 2 / (2 * trials)) / (1 + z ** 2 / trials);
  // The limits of "none" and "all" are 0 and 1 exactly, and the subtraction is not.
  return {
    lower: successes === 0 ? 0 : center - spread,
    upper: successes === trials ? 1 : center + spread,
  };
}
