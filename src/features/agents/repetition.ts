/** Calls that are looked back on. */
const WINDOW = 24;
/** Longest cycle of calls that counts as one. */
const LONGEST_CYCLE = 4;
const TOLD_AT = 3;
const ENDED_AT = 5;

export interface Repetition {
  readonly recent: readonly string[];
  /** `told`: the model is to be told of it; `ended`: nothing more comes of it. */
  readonly verdict: "none" | "told" | "ended";
}

/**
 * Notes a settled call by the digest of its tool, arguments and result. A cycle of up to four calls that comes again
 * and again with the same results leads nowhere; calls with new results may be repeated.
 */
export function noteCall(earlier: readonly string[], digest: string): Repetition {
  const recent = [...earlier, digest].slice(-WINDOW);
  const rounds = Math.max(
    ...Array.from({ length: LONGEST_CYCLE }, (_, index) => roundsOf(recent, index + 1)),
  );
  return { recent, verdict: rounds >= ENDED_AT ? "ended" : rounds >= TOLD_AT ? "told" : "none" };
}

/** How often the last `length` calls came one after another. */
function roundsOf(calls: readonly string[], length: number): number {
  let same = 0;
  while (
    same + length < calls.length &&
    calls[calls.length - 1 - same] === calls[calls.length - 1 - same - length]
  )
    same++;
  return Math.floor(same / length) + 1;
}
