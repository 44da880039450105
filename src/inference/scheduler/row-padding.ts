/** Rows that a processor's kernels compute together: of repacked weights four at a time, the rest one by one (ggml-cpu's repack.cpp). */
const ROW_GROUP = 4;
/** Fewer rows than this are not padded: there the rest goes through the quicker kernel for one row. */
const FEWEST_ROWS = ROW_GROUP + 1;
/** Weight of the newest step in what steps of as many rows take. */
const SMOOTHING = 0.15;
/** A step that took this many times the usual was held up by something else. */
const OUTLIER = 2;
/** Steps of a size whose time counts. */
const ENOUGH_STEPS = 4;
/** One choice in so many tries the other size again: contexts grow, and the machine changes. */
const RETRY_EVERY = 24;

interface StepTime {
  readonly ms: number;
  readonly steps: number;
}

/**
 * How many rows a step of a few sequences should have. Seven rows can take longer than eight, of which one is computed
 * and forgotten. Whether that is so depends on the format of the weights and on the processor, so it is measured: the
 * times of steps with and without such rows decide.
 */
export class RowPadding {
  readonly #times = new Map<number, StepTime>();
  #choices = 0;

  /** Rows that a step which needs `count` of them should have. */
  rows(count: number): number {
    const padded = Math.ceil(count / ROW_GROUP) * ROW_GROUP;
    if (count < FEWEST_ROWS || padded === count) return count;
    for (const rows of [padded, count]) if ((this.#times.get(rows)?.steps ?? 0) < ENOUGH_STEPS) return rows;
    const isPaid = (this.#times.get(padded)?.ms ?? 0) < (this.#times.get(count)?.ms ?? 0);
    const isRetry = ++this.#choices % RETRY_EVERY === 0;
    return isPaid === isRetry ? count : padded;
  }

  /** Learns what a step of `rows`, one of each sequence and in one pass, took. */
  observe(rows: number, ms: number): void {
    const before = this.#times.get(rows);
    if (before === undefined) {
      this.#times.set(rows, { ms, steps: 1 });
      return;
    }
    const weight = Math.max(SMOOTHING, 1 / (before.steps + 1));
    const counted = Math.min(ms, OUTLIER * before.ms);
    this.#times.set(rows, { ms: before.ms + weight * (counted - before.ms), steps: before.steps + 1 });
  }
}
