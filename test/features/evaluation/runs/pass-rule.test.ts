import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measurement } from "../../../../src/features/evaluation/runs/measurement.ts";
import { failureCode } from "../../../../src/features/evaluation/runs/pass-rule.ts";

function measured(
  scores: Readonly<Record<string, number>>,
  metrics: Measurement["metrics"] = {},
  output = "an answer",
): Measurement {
  return {
    output,
    finish_reason: "stop",
    scores: Object.entries(scores).map(([criterion, score]) => ({ criterion, score, rationale: "" })),
    metrics,
    metric_details: {},
    latency_ms: 1,
    tokens: {
      prompt_tokens: 1,
      cached_prompt_tokens: 0,
      completion_tokens: 1,
      judge_prompt_tokens: 1,
      judge_cached_prompt_tokens: 0,
      judge_completion_tokens: 1,
    },
  };
}

test("by default a record passes with scores of 7 on average", () => {
  assert.equal(failureCode(measured({ accuracy: 6, clarity: 8 }), {}), null);
  assert.equal(failureCode(measured({ accuracy: 6, clarity: 7 }), {}), "low_score");
});

test("by default every metric must be 0.5, and one without a reference is left out", () => {
  assert.equal(failureCode(measured({}, { token_f1: 0.5 }), {}), null);
  assert.equal(failureCode(measured({ overall: 9 }, { token_f1: 0.5, exact_match: 0 }), {}), "wrong_answer");
  assert.equal(failureCode(measured({ overall: 9 }, { exact_match: null }), {}), null);
});

test("thresholds take the place of the default, each for what it names", () => {
  assert.equal(failureCode(measured({ overall: 5 }, { exact_match: 0 }), { overall: 5 }), null);
  assert.equal(failureCode(measured({ overall: 4 }), { overall: 5 }), "low_score");
  assert.equal(failureCode(measured({ overall: 9 }, { token_f1: 0.6 }), { token_f1: 0.7 }), "wrong_answer");
});

test("a record that was not measured by what decides does not pass", () => {
  assert.equal(failureCode(measured({}, { exact_match: null, token_f1: null }), {}), "missing_reference");
  const unmeasured = measured({ overall: 9 }, { exact_match: null });
  assert.equal(failureCode(unmeasured, { exact_match: 1 }), "missing_reference");
  assert.equal(failureCode(unmeasured, { overall: 7 }), null);
});

test("an answer without a word does not pass", () => {
  assert.equal(failureCode(measured({ overall: 10 }, {}, " \n"), { overall: 1 }), "empty_output");
});
