import { type PowerOptions, recordsNeeded } from "./power.ts";

/** Below this, intervals from the bootstrap are known to be too narrow (Hesterberg 2015). */
export const MIN_RECORDS = 30;

/** As answers give it. */
export interface SizeWarning {
  readonly code: "few_records" | "effect_below_resolution";
  readonly message: string;
  /** Records that would do, where that can be said. */
  readonly records_needed?: number;
}

/** Why a run of `count` records can't tell much by itself; undefined when it can. */
export function tooSmall(count: number): SizeWarning | undefined {
  if (count >= MIN_RECORDS) return undefined;
  return {
    code: "few_records",
    message: `${count} records are too few to tell: the intervals are wide and narrower than they should be. Use at least ${MIN_RECORDS}.`,
    records_needed: MIN_RECORDS,
  };
}

/**
 * Why a paired comparison can't tell its two runs apart, or only by chance: too few records, or an observed difference
 * smaller than what so many records would notice reliably while its interval still holds 0. Undefined when it can.
 */
export function tooSmallToCompare(
  comparison: {
    readonly count: number;
    readonly difference: number;
    readonly deviation: number;
    readonly isSignificant: boolean;
  },
  options: PowerOptions = {},
): SizeWarning | undefined {
  const few = tooSmall(comparison.count);
  if (few !== undefined || comparison.isSignificant) return few;
  const needed = recordsNeeded(comparison.difference, comparison.deviation, options);
  if (needed <= comparison.count) return undefined;
  const more = Number.isFinite(needed)
    ? ` About ${needed} records would show a difference of this size.`
    : "";
  return {
    code: "effect_below_resolution",
    message: `${comparison.count} records are too few to distinguish a difference this small from chance.${more}`,
    ...(Number.isFinite(needed) && { records_needed: needed }),
  };
}
