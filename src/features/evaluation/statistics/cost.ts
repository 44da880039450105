import type { Interval } from "./interval.ts";
import { wilsonInterval } from "./wilson.ts";

/** What one correct answer costs, wrong ones included, in the unit of `total` (currency, seconds, tokens). */
export interface CostPerCorrect {
  /** Undefined when nothing was correct. */
  readonly value: number | undefined;
  /** From Wilson's limits of the rate; the upper one is Infinity when nothing was correct. */
  readonly interval: Interval;
}

/** @throws RangeError for an empty run */
export function costPerCorrect(
  total: number,
  correct: number,
  count: number,
  confidence = 0.95,
): CostPerCorrect {
  if (count === 0) throw new RangeError("an empty run has no cost per correct answer");
  const rate = wilsonInterval(correct, count, confidence);
  const perRecord = total / count;
  return {
    value: correct === 0 ? undefined : total / correct,
    interval: {
      lower: perRecord / rate.upper,
      upper: rate.lower === 0 ? Number.POSITIVE_INFINITY : perRecord / rate.lower,
    },
  };
}
