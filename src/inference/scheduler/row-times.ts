/** Weight of the newest step in what steps of as many rows take. */
const SMOOTHING = 0.15;
/** A step that took this many times the usual was held up by something else. */
const OUTLIER = 2;
/** Steps of a size that must be seen before its time counts. */
const ENOUGH_STEPS = 4;

interface StepTime {
  readonly ms: number;
  readonly steps: number;
}

/**
 * What decode steps take by their number of rows. That is not proportional: kernels compute rows in groups, and the one
 * for a single row is another. It depends on the format of the weights and on the processor, so it is measured.
 */
export class RowTimes {
  readonly #times = new Map<number, StepTime>();

  /** Milliseconds of a step of `rows`; undefined until some were seen. */
  ms(rows: number): number | undefined {
    const time = this.#times.get(rows);
    return time !== undefined && time.steps >= ENOUGH_STEPS ? time.ms : undefined;
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

/** A choice by what was measured, that tries the other way again once in a while: contexts grow, and the machine changes. */
export class RetriedChoice {
  readonly #retryEvery: number;
  #choices = 0;

  constructor(retryEvery: number) {
    this.#retryEvery = retryEvery;
  }

  /** `isBetter`, but for one call in so many. */
  take(isBetter: boolean): boolean {
    const isRetry = ++this.#choices % this.#retryEvery === 0;
    return isBetter !== isRetry;
  }
}
