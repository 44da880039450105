import { evenSplitP } from "./binomial.ts";

/** How often the second of two paired values is the better one. */
export interface Outcomes {
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

/** Counts `differences` (second - first) that are above, within and below ±`tolerance`. */
export function outcomes(differences: readonly number[], tolerance = 0): Outcomes {
  const wins = differences.filter((difference) => difference > tolerance).length;
  const losses = differences.filter((difference) => difference < -tolerance).length;
  return { wins, ties: differences.length - wins - losses, losses };
}

/** Exact two-sided sign test: wins against losses as throws of a fair coin, ties left out. */
export function signTest({ wins, losses }: Outcomes): number {
  return evenSplitP(wins, losses);
}
