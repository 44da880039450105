import assert from "node:assert/strict";
import { test } from "node:test";
import { tokensWithin } from "../../bench/load/steady-loop.ts";

const outcome = (startedAtMs: number, arrivalsMs: readonly number[], completionTokens: number) => ({
  startedAtMs,
  arrivalsMs,
  status: 200,
  failure: undefined,
  latencyMs: arrivalsMs.at(-1) ?? 0,
  usage: { promptTokens: 1, completionTokens, cachedPromptTokens: 0, draftedTokens: 0, acceptedTokens: 0 },
  retryAfterSeconds: undefined,
});

test("an answer's tokens count as spread evenly from its first to its last arrival", () => {
  const answer = outcome(1000, [100, 300, 1100], 50);
  assert.equal(tokensWithin([answer], 1100, 2100), 50);
  assert.equal(tokensWithin([answer], 1600, 3000), 25);
  assert.equal(tokensWithin([answer], 0, 1100), 0);
  assert.equal(tokensWithin([outcome(0, [10], 3)], 0, 100), 3);
  assert.equal(tokensWithin([outcome(0, [10], 3)], 20, 100), 0);
});
