/** Each question has one right section, so recall is whether it was found, and a ranking's ideal gain is 1. */
export interface Quality {
  readonly questions: number;
  readonly recallAt5: number;
  readonly ndcgAt10: number;
}

/** @param ranks place of the first right chunk in each question's ranking, from 0; -1 when it has none */
export function qualityOf(ranks: readonly number[]): Quality {
  const mean = (gain: (rank: number) => number) =>
    ranks.reduce((sum, rank) => sum + (rank < 0 ? 0 : gain(rank)), 0) / Math.max(1, ranks.length);
  return {
    questions: ranks.length,
    recallAt5: mean((rank) => (rank < 5 ? 1 : 0)),
    ndcgAt10: mean((rank) => (rank < 10 ? 1 / Math.log2(rank + 2) : 0)),
  };
}
