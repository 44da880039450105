import type { Clock } from "../../../platform/clock.ts";

/** Records that a rate is measured over. */
const WINDOW = 64;

/** How fast a run goes, by its latest records, and so how long it will take. */
export class Pace {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #finishedAt: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock();
  }

  recordFinished(): void {
    this.#finishedAt = [...this.#finishedAt, this.#clock()].slice(-WINDOW - 1);
  }

  /** Seconds that `remaining` records will take; undefined while nothing has been measured. */
  etaSeconds(remaining: number): number | undefined {
    const last = this.#finishedAt.at(-1);
    if (last === undefined) return undefined;
    // While the window is not full, the records in it began with the run.
    const isFull = this.#finishedAt.length > WINDOW;
    const since = isFull ? (this.#finishedAt[0] as number) : this.#startedAt;
    const records = isFull ? WINDOW : this.#finishedAt.length;
    return (remaining * (last - since)) / records / 1000;
  }
}
