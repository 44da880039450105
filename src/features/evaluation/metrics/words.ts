/** Words as Python's `str.split()` sees them, which the published implementations use: stretches without white space. */
export function words(text: string): readonly string[] {
  return text.split(/\p{White_Space}+/u).filter((word) => word !== "");
}

/** How often each item occurs. */
export function counts<T>(items: readonly T[]): ReadonlyMap<T, number> {
  const found = new Map<T, number>();
  for (const item of items) found.set(item, (found.get(item) ?? 0) + 1);
  return found;
}

/** Items that two lists have in common, each as often as it is in both. */
export function overlap<T>(a: readonly T[], b: readonly T[]): number {
  const others = counts(b);
  let common = 0;
  for (const [item, count] of counts(a)) common += Math.min(count, others.get(item) ?? 0);
  return common;
}

/** Weighted harmonic mean of precision and recall; recall counts `beta` times as much. 0 when both are. */
export function fScore(precision: number, recall: number, beta = 1): number {
  const weight = beta ** 2;
  const denominator = weight * precision + recall;
  return denominator === 0 ? 0 : ((1 + weight) * precision * recall) / denominator;
}
