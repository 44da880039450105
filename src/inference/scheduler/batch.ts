import type { Sequence } from "./sequence.ts";

/** What one decode computes: a token for every decoding sequence, then stretches of prompts. */
export interface BatchPlan {
  readonly decoding: readonly Sequence[];
  readonly prefilling: readonly PrefillChunk[];
}

export interface PrefillChunk {
  readonly sequence: Sequence;
  /** Prompt tokens from `sequence.prefilled` on. */
  readonly length: number;
}

/** Tokens a step may hold. */
export interface BatchLimits {
  readonly capacity: number;
  /** Prompt tokens within that. */
  readonly prefillTokens: number;
}

/**
 * Plans a step: every decoding sequence gets its token; the rest of the budget goes to prompts, in the order given.
 */
export function planBatch(running: readonly Sequence[], limits: BatchLimits): BatchPlan {
  const decoding = running.filter((sequence) => !sequence.isPrefilling);
  let budget = Math.min(limits.prefillTokens, limits.capacity - decoding.length);
  const prefilling: PrefillChunk[] = [];
  for (const sequence of running) {
    if (budget <= 0) break;
    if (!sequence.isPrefilling) continue;
    const length = Math.min(sequence.remainingPrompt, budget);
    prefilling.push({ sequence, length });
    budget -= length;
  }
  return { decoding, prefilling };
}

export function prefillTokens(plan: BatchPlan): number {
  return plan.prefilling.reduce((sum, chunk) => sum + chunk.length, 0);
}
