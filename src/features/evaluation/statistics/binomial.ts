import { logGamma } from "./student-t.ts";

/** P(X <= successes) for X ~ Binomial(trials, 1/2), summed from the small end. */
export function halfBinomialCdf(successes: number, trials: number): number {
  const logHalf = trials * Math.LN2;
  let sum = 0;
  for (let k = 0; k <= successes; k++) sum += Math.exp(logChoose(trials, k) - logHalf);
  return Math.min(sum, 1);
}

/** Two-sided p of seeing `a` against `b` when both are as likely: twice the smaller tail, at most 1. */
export function evenSplitP(a: number, b: number): number {
  return Math.min(1, 2 * halfBinomialCdf(Math.min(a, b), a + b));
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}
