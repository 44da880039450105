import type { Clock } from "../../platform/clock.ts";

/** Losses over which the count is taken: each further one weighs the older ones down by this part. */
const HORIZON = 64;
/** Losses that are saved before anything is known, and one in so many later: what is wanted again may change. */
const FIRST_SAVED = 16;
const TRIED_EACH = 32;
/** Measured times that count. */
const MEASURED = 9;

/**
 * Whether to save what a sequence loses. Saving pays where it costs less than computing the tokens again, times how often
 * lost tokens are wanted again. With requests that have nothing in common it costs several per cent of all time on a
 * machine where memory that was never touched is dear, and gives nothing.
 */
export class SavingPolicy {
  readonly #clock: Clock;
  readonly #promptMs: (tokens: number) => number;
  #losses = 0;
  /** Tokens, of which older ones count less. */
  #lost = 0;
  #wanted = 0;
  /** Milliseconds per token, the latest last. */
  #costs: number[] = [];

  /** `promptMs`: what a prompt of so many tokens should take to compute. */
  constructor(clock: Clock, promptMs: (tokens: number) => number) {
    this.#clock = clock;
    this.#promptMs = promptMs;
  }

  /** So many tokens, which were lost, are wanted again: they were saved, or would have been of use. */
  wanted(tokens: number): void {
    this.#wanted += tokens;
  }

  /** A sequence loses so many tokens. Returns whether to save them before. */
  lose(tokens: number): boolean {
    this.#losses += 1;
    this.#lost = (1 - 1 / HORIZON) * this.#lost + tokens;
    this.#wanted *= 1 - 1 / HORIZON;
    if (this.#losses <= FIRST_SAVED || this.#losses % TRIED_EACH === 0) return true;
    const share = Math.min(1, this.#wanted / this.#lost);
    return share * this.#promptMs(tokens) >= this.#costMs(tokens);
  }

  /** Does the saving, and learns what it costs. */
  measure(tokens: number, save: () => Uint8Array | undefined): Uint8Array | undefined {
    const startedAt = this.#clock();
    const state = save();
    if (state !== undefined)
      this.#costs = [...this.#costs, (this.#clock() - startedAt) / tokens].slice(-MEASURED);
    return state;
  }

  /** By the median of what it took, since one that was interrupted says nothing. */
  #costMs(tokens: number): number {
    const sorted = this.#costs.toSorted((a, b) => a - b);
    return (sorted[sorted.length >> 1] ?? 0) * tokens;
  }
}
