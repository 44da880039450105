/**
 * Interactive requests go before batch work, at three levels. A request's route gives it its lane. Batch work enters
 * the engine's queue only as fast as it can run (`serving/lanes.ts`), gets its share of the sequences at most
 * (`scheduler/waiting-queue.ts`), and takes part in only some steps while interactive requests run
 * (`scheduler/priorities.ts`).
 */
export type Lane = "interactive" | "batch";

/** Share of the sequences that batch work may have; the rest is for interactive requests. */
const BATCH_SHARE = 0.75;

/** Sequences that batch work may have of `sequences`. */
export function batchSequences(sequences: number): number {
  return Math.max(1, Math.floor(sequences * BATCH_SHARE));
}
