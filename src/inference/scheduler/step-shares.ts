import { runs } from "../kv-cache/passes.ts";
import type { BatchPlan, DecodeRows, PrefillChunk } from "./plan.ts";
import type { Sequence } from "./sequence.ts";
import type { StepShape } from "./step-model.ts";

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
      passes: isOnePass ? 1 : runs(entries.map(({ sequence: { slot } }) => slot?.kvSequence ?? 0)),
      decodeRows: sum("decodeRows"),
      prefillTokens: sum("prefillTokens"),
      kvTokens: sum("kvTokens"),
      prefillKvTokens: sum("prefillKvTokens"),
    },
    bySequence,
  };
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
