import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../bench/load/outcome.ts";
import { median, percentile } from "../../bench/report/statistics.ts";
import { countFailures, isGood, summarize } from "../../bench/report/summary.ts";

test("percentiles interpolate between ranks and do not need sorted input", () => {
  assert.equal(percentile([30, 10, 20, 40], 50), 25);
  assert.equal(percentile([5], 99), 5);
  assert.equal(percentile([1, 2, 3, 4, 5], 100), 5);
  assert.equal(median([3, 1, 2]), 2);
  assert.ok(Number.isNaN(percentile([], 50)));
});

const level = { firstTokenMs: 100, perTokenMs: 50 };

test("an answer is good when it is whole, starts in time and keeps the pace", () => {
  assert.ok(isGood(outcome({ arrivalsMs: [100, 150, 200] }), level));
  assert.ok(!isGood(outcome({ arrivalsMs: [101, 150, 200] }), level), "late");
  assert.ok(!isGood(outcome({ arrivalsMs: [100, 150, 201] }), level), "slow");
  assert.ok(!isGood(outcome({ arrivalsMs: [10, 20], failure: "ECONNRESET" }), level), "broken off");
});

test("a load's figures count tokens by the servers' own count and failures by their kind", () => {
  const outcomes = [
    outcome({ arrivalsMs: [50, 100, 150] }),
    outcome({ arrivalsMs: [500, 510] }),
    outcome({ status: 503, failure: "queue_full", arrivalsMs: [], tokens: undefined }),
    outcome({ status: 0, failure: "ECONNRESET", arrivalsMs: [], tokens: undefined }),
  ];
  const figures = summarize({ outcomes, wallMs: 2000 }, level);
  assert.equal(figures["tokensPerSecond"], 3);
  assert.equal(figures["requestsPerSecond"], 1);
  assert.equal(figures["goodRequestsPerSecond"], 0.5);
  assert.equal(figures["rejected"], 1);
  assert.equal(figures["failed"], 1);
  assert.equal(figures["gapP99Ms"], percentile([50, 50, 10], 99));
  assert.deepEqual(countFailures(outcomes), { "503 queue_full": 1, "0 ECONNRESET": 1 });
});

test("figures that nothing was measured of are left out, not invented", () => {
  const figures = summarize({ outcomes: [], wallMs: 1000 }, level);
  assert.equal("latencyP95Ms" in figures, false);
  assert.equal(figures["tokensPerSecond"], 0);
});

interface Given {
  readonly arrivalsMs: readonly number[];
  readonly failure?: string;
  readonly status?: number;
  readonly tokens?: number | undefined;
}

function outcome({ arrivalsMs, failure, status = 200, ...given }: Given): Outcome {
  const tokens = "tokens" in given ? given.tokens : 3;
  return {
    startedAtMs: 0,
    status,
    failure,
    latencyMs: 300,
    arrivalsMs,
    usage:
      tokens === undefined
        ? undefined
        : {
            promptTokens: 10,
            completionTokens: tokens,
            cachedPromptTokens: 0,
            draftedTokens: 0,
            acceptedTokens: 0,
          },
    retryAfterSeconds: undefined,
  };
}
