import assert from "node:assert/strict";
import type { ScoredToken } from "../../src/inference/engine.ts";

/** What another shape of a batch changes by rounding; a wrong key or value changes whole units. */
const ROUNDING = 0.5;

/** The same tokens with the same probabilities, up to where two tokens were as likely as each other. */
export function assertSameTokens(
  found: readonly ScoredToken[],
  expected: readonly ScoredToken[],
  what: string,
): void {
  for (const [index, token] of found.entries()) {
    const other = expected[index];
    const difference = Math.abs((token.logprob ?? 0) - (other?.logprob ?? 0));
    assert.ok(difference < ROUNDING, `${what}: token ${index} differs by ${difference}`);
    if (token.token !== other?.token) return;
  }
}
