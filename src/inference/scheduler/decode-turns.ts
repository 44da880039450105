import { RetriedChoice, type RowTimes } from "./row-times.ts";
import type { Sequence } from "./sequence.ts";

/** More sequences than this always share steps. */
const MOST_IN_TURN = 3;
/** Steps of one row must be this much faster in sum: equal ones change nothing. */
const MARGIN = 1.05;
/** One choice in so many tries the other way again. */
const RETRY_EVERY = 48;

/**
 * Whether a few decoding sequences share a step, or have steps of their own in turn. The kernel for a single row can be so
 * much quicker that two steps of one row take less than one of two (measured on AVX-512 with Q8_0: 3.1 and 8.0 ms).
 */
export class DecodeTurns {
  readonly #times: RowTimes;
  #last: Sequence | undefined;
  readonly #choice = new RetriedChoice(RETRY_EVERY);

  constructor(times: RowTimes) {
    this.#times = times;
  }

  /** Those of `decoding` that take part in the next step, if each has one row. */
  taking(decoding: readonly Sequence[]): readonly Sequence[] {
    if (decoding.length < 2 || decoding.length > MOST_IN_TURN || !this.#isInTurn(decoding.length))
      return decoding;
    // The one after the last that had its turn; the first where that has ended.
    const next =
      decoding[(this.#last === undefined ? 0 : decoding.indexOf(this.#last) + 1) % decoding.length];
    this.#last = next;
    return next === undefined ? decoding : [next];
  }

  #isInTurn(count: number): boolean {
    const singleMs = this.#times.ms(1);
    const sharedMs = this.#times.ms(count);
    if (sharedMs === undefined) return false;
    if (singleMs === undefined) return true;
    return this.#choice.take(MARGIN * count * singleMs < sharedMs);
  }
}
