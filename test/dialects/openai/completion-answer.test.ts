import assert from "node:assert/strict";
import { test } from "node:test";
import { CompletionAnswer } from "../../../src/dialects/openai/completions/answer.ts";
import type { ScoredToken } from "../../../src/inference/engine.ts";

const token = (text: string, logprob: number | undefined): ScoredToken => ({
  token: 1,
  logprob,
  bytes: Buffer.from(text),
  top: [],
});

test("the best answer is the one whose own tokens are likeliest, whatever the prompt's are", () => {
  const answer = (scores: readonly number[]) => {
    const made = new CompletionAnswer("ab", true);
    made.take({ type: "prompt", tokens: [token("a", undefined), token("b", -9)] });
    made.take({ type: "text", text: "x", tokens: scores.map((score) => token("x", score)) });
    return made.meanLogprob;
  };
  assert.equal(answer([-1, -3]), -2);
  // With the prompt's tokens in the mean, the longer of two would win for its length.
  assert.ok(answer([-1]) > answer([-1.1, -1.1, -1.1, -1.1]));
});
