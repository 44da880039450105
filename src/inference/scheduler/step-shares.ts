import type { StepPart } from "../generation-parts.ts";
import type { SequenceShare } from "../step-record.ts";
import type { BatchPlan, DecodeRows, PrefillChunk } from "./plan.ts";
import type { Sequence } from "./sequence.ts";
import type { StepModel, StepShape } from "./step-model.ts";

/** What each sequence has in a step, and all of them together. */
export interface StepShares {
  readonly total: StepShape;
  readonly bySequence: ReadonlyMap<Sequence, StepShape>;
}

/** The shares of a plan that is not in the batch yet. `isOnePass`: all rows are computed in one pass over the weights. */
export function sharesOf(plan: BatchPlan, isOnePass: boolean): StepShares {
  const entries = [...plan.decoding, ...plan.prefilling];
  const bySequence = new Map(entries.map((entry) => [entry.sequence, shareOf(entry)]));
  const sum = (unit: keyof StepShape) => bySequence.values().reduce((total, share) => total + share[unit], 0);
  return {
    total: {
      passes: isOnePass ? 1 : neighbourhoods(entries.map(({ sequence }) => sequence)),
      decodeRows: sum("decodeRows"),
      prefillTokens: sum("prefillTokens"),
      kvTokens: sum("kvTokens"),
      prefillKvTokens: sum("prefillKvTokens"),
    },
    bySequence,
  };
}

/** Tells each of the running sequences what the computation that ended at `now` was spent on; its threads waited `waitedMs` for processors. */
export function account(
  running: readonly Sequence[],
  { total, bySequence }: StepShares,
  model: StepModel,
  waitedMs: number,
  now: number,
): void {
  for (const sequence of running) {
    const own = bySequence.get(sequence);
    if (own === undefined || isFiller(sequence, own)) sequence.time.spent("turn", now);
    else sequence.time.computed(expectedParts(own, total, model), waitedMs, now);
  }
}

/** The same, as in the timeline. */
export function sequenceShares({ bySequence }: StepShares): SequenceShare[] {
  return [...bySequence].map(([{ id, slot }, { prefillTokens, decodeRows }]) => ({
    generation: id,
    kvSequence: slot?.sequence ?? -1,
    prefillTokens,
    decodeRows,
  }));
}

function shareOf(entry: DecodeRows | PrefillChunk): StepShape {
  const { sequence } = entry;
  if ("draft" in entry) {
    const rows = 1 + entry.draft.length;
    const held = sequence.slot?.tokens.length ?? 0;
    const kvTokens = rows * held + (rows * (rows + 1)) / 2;
    return { passes: 0, decodeRows: rows, prefillTokens: 0, kvTokens, prefillKvTokens: 0 };
  }
  const { length } = entry;
  const prefillKvTokens = length * sequence.prefilled + (length * (length + 1)) / 2;
  return { passes: 0, decodeRows: 0, prefillTokens: length, kvTokens: 0, prefillKvTokens };
}

/** Whether a prompt got no more than the one token that keeps neighbouring rows together (`planPrefill`). */
function isFiller({ remainingPrompt }: Sequence, { prefillTokens }: StepShape): boolean {
  return prefillTokens === 1 && remainingPrompt > 0;
}

function expectedParts(
  own: StepShape,
  total: StepShape,
  { rates }: StepModel,
): Partial<Record<StepPart, number>> {
  const prefillMs = ({ prefillTokens, prefillKvTokens }: StepShape) =>
    rates.prefillTokens * prefillTokens + rates.prefillKvTokens * prefillKvTokens;
  return {
    weights: rates.passes * total.passes,
    own_prefill: prefillMs(own),
    others_prefill: prefillMs(total) - prefillMs(own),
    own_rows: rates.decodeRows * own.decodeRows,
    others_rows: rates.decodeRows * (total.decodeRows - own.decodeRows),
    own_kv: rates.kvTokens * own.kvTokens,
    others_kv: rates.kvTokens * (total.kvTokens - own.kvTokens),
  };
}

/** Runs of neighbouring KV sequences; llama.cpp computes each in a pass of its own (see `fillBatch`). */
function neighbourhoods(sequences: readonly Sequence[]): number {
  const numbers = sequences.map(({ slot }) => slot?.sequence ?? 0).toSorted((a, b) => a - b);
  return numbers.filter((number, index) => number - 1 !== numbers[index - 1]).length;
}
