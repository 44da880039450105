/** One method's opinion: chunks by ordinal, best first. */
export interface Ranking {
  readonly ordinals: readonly number[];
  readonly weight: number;
}

/** Flattens the difference between neighbouring ranks. Cormack, Clarke and Büttcher (2009) took 60; tuned on half of the evaluation set (docs/retrieval.md). */
const RANK_CONSTANT = 20;

/**
 * Reciprocal rank fusion: each method gives a chunk weight / (20 + rank), regardless of the scale of its scores.
 * @returns scores by ordinal, best first; 1 is the first place in every ranking
 */
export function fuse(rankings: readonly Ranking[], rankConstant = RANK_CONSTANT): Map<number, number> {
  const most = rankings.reduce((sum, { weight }) => sum + weight / (rankConstant + 1), 0);
  const scores = new Map<number, number>();
  for (const { ordinals, weight } of rankings) {
    for (const [index, ordinal] of ordinals.entries()) {
      const share = weight / (rankConstant + index + 1) / most;
      scores.set(ordinal, (scores.get(ordinal) ?? 0) + share);
    }
  }
  // Equal scores keep the order of the text: a search always gives the same answer.
  return new Map([...scores].sort(([a, first], [b, second]) => second - first || a - b));
}
