import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../src/instruments/replay/replay.ts";

const answer = Array.from({ length: 40 }, (_, at) => ({ token: at, logprob: -0.5 - at / 100 }));

test("what was computed again is identical, near, or contradicted at the first token that is another", () => {
  assert.equal(judge({ tokens: answer }, answer).verdict, "identical");
  const near = answer.map(({ token, logprob }, at) => ({
    token,
    logprob: logprob + (at % 2 === 0 ? 0.01 : 0),
  }));
  const { verdict, largestGap, firstDifference } = judge({ tokens: answer }, near);
  assert.equal(verdict, "consistent");
  assert.ok(Math.abs((largestGap ?? 0) - 0.01) < 1e-9);
  assert.equal(firstDifference, undefined);
  const changed = answer.with(20, { token: 999, logprob: -0.7 });
  assert.deepEqual(
    [judge({ tokens: answer }, changed).verdict, judge({ tokens: answer }, changed).firstDifference],
    ["contradicted", 20],
  );
  const another = answer.with(7, { token: 7, logprob: -3 });
  assert.equal(judge({ tokens: answer }, another).firstDifference, 7);
  // Every token a little off, which rounding does not do.
  const drifted = answer.map(({ token, logprob }) => ({ token, logprob: logprob - 0.05 }));
  assert.equal(judge({ tokens: answer }, drifted).verdict, "contradicted");
  assert.equal(judge({ tokens: answer }, answer.slice(0, 30)).firstDifference, 30);
  assert.equal(judge({ tokens: answer.slice(0, 30) }, answer).firstDifference, 30);
});
