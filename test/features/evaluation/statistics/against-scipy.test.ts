/** Every statistic beside SciPy's and statsmodels' value of the same thing; fixtures/make_statistics.py computed those. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bcaInterval,
  bootstrapMeanInterval,
} from "../../../../src/features/evaluation/statistics/bootstrap.ts";
import { mcnemarChiSquare, mcnemarExact } from "../../../../src/features/evaluation/statistics/mcnemar.ts";
import { normalCdf, normalQuantile } from "../../../../src/features/evaluation/statistics/normal.ts";
import { permutationTest } from "../../../../src/features/evaluation/statistics/permutation-test.ts";
import { minimumDetectableEffect } from "../../../../src/features/evaluation/statistics/power.ts";
import { quantile } from "../../../../src/features/evaluation/statistics/sample.ts";
import { signTest } from "../../../../src/features/evaluation/statistics/sign-test.ts";
import { studentQuantile } from "../../../../src/features/evaluation/statistics/student-t.ts";
import { wilsonInterval } from "../../../../src/features/evaluation/statistics/wilson.ts";
import fixture from "../fixtures/statistics.json" with { type: "json" };

function close(actual: number, expected: number, tolerance = 1e-9): void {
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance * Math.max(Math.abs(expected), 1e-3), `${actual} is not ${expected}`);
}

test("the normal distribution", () => {
  for (const { z, p } of fixture.distributions.normalCdf) close(normalCdf(z), p, 1e-12);
  for (const { p, z } of fixture.distributions.normalQuantile) close(normalQuantile(p), z);
});

test("Student's t", () => {
  for (const { degrees, p, t } of fixture.distributions.studentQuantile)
    close(studentQuantile(p, degrees), t);
});

test("quantiles", () => {
  for (const { values, probability, quantile: expected } of fixture.quantiles)
    close(quantile(values, probability), expected);
});

test("Wilson's interval", () => {
  for (const { successes, trials, confidence, lower, upper } of fixture.wilson) {
    const interval = wilsonInterval(successes, trials, confidence);
    close(interval.lower, lower);
    close(interval.upper, upper);
  }
});

describe("the BCa bootstrap", () => {
  test("makes the same interval of the same resamples", () => {
    for (const { values, confidence, resampleMeans, lower, upper } of fixture.bca) {
      const interval = bcaInterval(values, Float64Array.from(resampleMeans), confidence);
      close(interval.lower, lower);
      close(interval.upper, upper);
    }
  });

  test("comes to the same interval with draws of its own, when there are many", () => {
    for (const { values, lower, upper } of fixture.bcaConverged) {
      const interval = bootstrapMeanInterval(values, { resamples: 200_000, seed: 1 });
      const width = upper - lower;
      assert.ok(Math.abs(interval.lower - lower) < 0.015 * width, `${interval.lower} is not ${lower}`);
      assert.ok(Math.abs(interval.upper - upper) < 0.015 * width, `${interval.upper} is not ${upper}`);
    }
  });
});

test("the sign test", () => {
  for (const { wins, losses, p } of fixture.sign) close(signTest({ wins, losses, ties: 3 }), p);
});

describe("the permutation test", () => {
  test("is exact for few differences", () => {
    for (const { differences, p } of fixture.permutation) {
      const result = permutationTest(differences);
      assert.equal(result.method, "exact");
      close(result.pValue, p);
    }
  });

  test("is drawn for many", () => {
    const { differences, p } = fixture.permutationLarge;
    const result = permutationTest(differences, { resamples: 100_000 });
    assert.equal(result.method, "monte_carlo");
    // Four standard errors of the drawn share.
    assert.ok(Math.abs(result.pValue - p) < 4 * Math.sqrt((p * (1 - p)) / 100_000), String(result.pValue));
  });
});

test("McNemar's test", () => {
  for (const { table, exact, corrected, plain } of fixture.mcnemar) {
    const [[bothPassed = 0, onlyFirstPassed = 0] = [], [onlySecondPassed = 0, bothFailed = 0] = []] = table;
    const passes = { bothPassed, onlyFirstPassed, onlySecondPassed, bothFailed };
    close(mcnemarExact(passes), exact);
    for (const [expected, isCorrected] of [
      [corrected, true],
      [plain, false],
    ] as const) {
      const { statistic, pValue } = mcnemarChiSquare(passes, isCorrected);
      close(statistic, expected?.statistic ?? 0);
      close(pValue, expected?.p ?? 1);
    }
  }
});

test("the minimum detectable effect", () => {
  for (const { count, deviation, effect, exactPower } of fixture.power) {
    close(minimumDetectableEffect(count, deviation), effect);
    // The formula is an approximation; the exact power at its effect is close to the 80 % it stands for.
    assert.ok(Math.abs(exactPower - 0.8) < 0.01, String(exactPower));
  }
});
