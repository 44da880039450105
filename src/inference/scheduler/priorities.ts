import type { BatchPlan } from "./plan.ts";
import type { Sequence } from "./sequence.ts";

/** After a step that batch work shared with interactive requests these have this many times as long to themselves. */
const PAUSE = 7;
/** Prompt tokens of batch work in a shared step. */
const SHARED_PREFILL_TOKENS = 16;
/** And in steps of its own while interactive requests come and go: the next one must not wait for a long step. */
const PREFILL_TOKENS_IN_TRAFFIC = 64;
/** Traffic is over when no interactive request has run for so long. */
const TRAFFIC_MS = 1000;

/**
 * Decides when batch work takes part. It keeps its sequences while interactive requests run, and gets at most an eighth of
 * the time; otherwise it has all of it. Times are of the scheduler's clock.
 */
export class Priorities {
  #batchMayRunAt = Number.NEGATIVE_INFINITY;
  #interactiveAt = Number.NEGATIVE_INFINITY;

  /** Those of `running` that may be in the step that starts now. */
  takingPart(running: readonly Sequence[], now: number): readonly Sequence[] {
    const interactive = running.filter(isInteractive);
    if (interactive.length > 0) this.#interactiveAt = now;
    const isAlone = interactive.length === 0 || interactive.length === running.length;
    return isAlone || now >= this.#batchMayRunAt ? running : interactive;
  }

  /** Prompt tokens that batch work may have in a step of `taking`. */
  batchTokens(taking: readonly Sequence[], now: number): number {
    if (taking.some(isInteractive)) return SHARED_PREFILL_TOKENS;
    return now - this.#interactiveAt < TRAFFIC_MS ? PREFILL_TOKENS_IN_TRAFFIC : Number.POSITIVE_INFINITY;
  }

  /** Learns how long a step took. */
  observe({ decoding, prefilling }: BatchPlan, startedAt: number, ms: number): void {
    const sequences = [...decoding, ...prefilling].map(({ sequence }) => sequence);
    const isShared = sequences.some(isInteractive) && !sequences.every(isInteractive);
    if (isShared) this.#batchMayRunAt = startedAt + ms + PAUSE * ms;
  }
}

function isInteractive({ lane }: Sequence): boolean {
  return lane === "interactive";
}
