/** Metrics beside their published implementations, pair by pair; fixtures/make_metrics.py computed those values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chrf } from "../../../../src/features/evaluation/metrics/chrf.ts";
import { normalizedMatch } from "../../../../src/features/evaluation/metrics/exact-match.ts";
import type { Metric, MetricResult } from "../../../../src/features/evaluation/metrics/metric.ts";
import { normalizeAnswer } from "../../../../src/features/evaluation/metrics/normalization.ts";
import { rougeL } from "../../../../src/features/evaluation/metrics/rouge-l.ts";
import { tokenF1 } from "../../../../src/features/evaluation/metrics/token-f1.ts";
import fixture from "../fixtures/metrics.json" with { type: "json" };
import { noTools } from "./tools.ts";

async function score(metric: Metric, response: string, reference: string): Promise<MetricResult> {
  return metric.score(response, reference, {}, noTools);
}

function close(actual: unknown, expected: number, pair: object): void {
  assert.ok(
    Math.abs((actual as number) - expected) < 1e-12,
    `${actual} is not ${expected}: ${JSON.stringify(pair)}`,
  );
}

test("there are more than 30 pairs", () => assert.ok(fixture.cases.length > 30));

test("ROUGE-L is rouge_score's", async () => {
  for (const pair of fixture.cases) {
    const { value, details } = await score(rougeL, pair.response, pair.reference);
    close(value, pair.rougeL.f1, pair);
    close(details["precision"], pair.rougeL.precision, pair);
    close(details["recall"], pair.rougeL.recall, pair);
  }
});

test("chrF is sacrebleu's chrF2", async () => {
  for (const pair of fixture.cases)
    close((await score(chrf, pair.response, pair.reference)).value, pair.chrf, pair);
});

test("normalised match and token F1 are those of SQuAD 2.0", async () => {
  for (const pair of fixture.cases) {
    assert.equal(normalizeAnswer(pair.response), pair.normalized);
    close((await score(normalizedMatch, pair.response, pair.reference)).value, pair.normalizedMatch, pair);
    close((await score(tokenF1, pair.response, pair.reference)).value, pair.tokenF1, pair);
  }
});
