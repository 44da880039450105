import type { Sequence } from "./sequence.ts";

/** What one decode computes: a token (and a draft) for every decoding sequence, then stretches of prompts. */
export interface BatchPlan {
  readonly decoding: readonly DecodeRows[];
  readonly prefilling: readonly PrefillChunk[];
}

export interface DecodeRows {
  readonly sequence: Sequence;
  /** Tokens that are expected to follow the sequence's last one. */
  readonly draft: readonly number[];
}

export interface PrefillChunk {
  readonly sequence: Sequence;
  /** Prompt tokens from `sequence.prefilled` on. */
  readonly length: number;
}

export function decodeRows(plan: BatchPlan): number {
  return plan.decoding.reduce((sum, { draft }) => sum + 1 + draft.length, 0);
}

export function prefillTokens(plan: BatchPlan): number {
  return plan.prefilling.reduce((sum, { length }) => sum + length, 0);
}

/** What a step has for prompts. */
export interface PrefillBudget {
  readonly tokens: number;
  /** Of these, for batch work. */
  readonly batchTokens: number;
  /** Rows whose logits prompts may ask for. */
  readonly scoredRows: number;
  /** Which prompt is first in line. */
  readonly first: "oldest" | "shortest";
}

/**
 * Divides a step's budget among the prompts that are being prefilled, given oldest first. Each gets one token: a gap
 * between the rows of neighbouring KV sequences would cost a pass of its own (see `fillBatch`). The rest goes to as few as
 * possible, since each one's rows are a pass too: by turns to the oldest, which always advances, and to the one with the
 * shortest remainder, which does not wait for a long one. Interactive prompts go before batch work. A prompt whose tokens
 * are scored needs logits of every row, of which a step has a few to give.
 */
export function planPrefill(prefilling: readonly Sequence[], budget: PrefillBudget): PrefillChunk[] {
  const interactive = prefilling.filter((sequence) => sequence.lane === "interactive");
  const batch = prefilling.filter((sequence) => sequence.lane === "batch");
  const chunks = new Map<Sequence, number>();
  let left = budget.tokens;
  let batchLeft = budget.batchTokens;
  let scoredLeft = budget.scoredRows;
  const give = (sequence: Sequence, limit: number) => {
    const given = chunks.get(sequence) ?? 0;
    const isScored = sequence.promptScores !== undefined;
    const rows = isScored ? scoredLeft : left;
    const most = sequence.lane === "batch" ? Math.min(left, batchLeft) : left;
    const more = Math.max(0, Math.min(limit, most, rows, sequence.tokensToPause - given));
    if (more > 0) chunks.set(sequence, given + more);
    left -= more;
    if (sequence.lane === "batch") batchLeft -= more;
    if (isScored) scoredLeft -= more;
  };
  for (const sequence of prefilling) give(sequence, 1);
  for (const group of [interactive, batch]) {
    const inLine =
      budget.first === "oldest" ? group : group.toSorted((a, b) => a.remainingPrompt - b.remainingPrompt);
    for (const sequence of inLine) give(sequence, left);
  }
  return [...chunks].map(([sequence, length]) => ({ sequence, length }));
}

/** One row of each sequence, and nothing else. */
export function isPlainDecode({ decoding, prefilling }: BatchPlan): boolean {
  return prefilling.length === 0 && decoding.every(({ draft }) => draft.length === 0);
}
