import { RetriedChoice, type RowTimes } from "./row-times.ts";

/** Rows that a processor's kernels compute together: of repacked weights four at a time, the rest one by one (ggml-cpu's repack.cpp). */
const ROW_GROUP = 4;
/** Fewer rows than this are not padded: there the rest goes through the quicker kernel for one row. */
const FEWEST_ROWS = ROW_GROUP + 1;
/** One choice in so many tries the other size again. */
const RETRY_EVERY = 24;

/**
 * How many rows a step of a few sequences should have. Seven rows can take longer than eight, of which one is computed
 * and forgotten: the times of steps with and without such rows decide.
 */
export class RowPadding {
  readonly #times: RowTimes;
  readonly #choice = new RetriedChoice(RETRY_EVERY);

  constructor(times: RowTimes) {
    this.#times = times;
  }

  /** Rows that a step which needs `count` of them should have. */
  rows(count: number): number {
    const padded = Math.ceil(count / ROW_GROUP) * ROW_GROUP;
    if (count < FEWEST_ROWS || padded === count) return count;
    const paddedMs = this.#times.ms(padded);
    const plainMs = this.#times.ms(count);
    if (paddedMs === undefined) return padded;
    if (plainMs === undefined) return count;
    return this.#choice.take(paddedMs < plainMs) ? padded : count;
  }
}
