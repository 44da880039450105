import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  bootstrapMeanInterval,
  resamplesFor,
} from "../../../../src/features/evaluation/statistics/bootstrap.ts";
import { costPerCorrect } from "../../../../src/features/evaluation/statistics/cost.ts";
import {
  comparePasses,
  compareScores,
} from "../../../../src/features/evaluation/statistics/paired-comparison.ts";
import {
  minimumDetectableEffect,
  recordsNeeded,
} from "../../../../src/features/evaluation/statistics/power.ts";
import { SeededRandom } from "../../../../src/features/evaluation/statistics/random.ts";
import { distribution, mean } from "../../../../src/features/evaluation/statistics/sample.ts";
import { tooSmall } from "../../../../src/features/evaluation/statistics/size-warning.ts";

function scores(seed: number, count: number, shift = 0): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => Math.min(10, 1 + random.integer(9) + shift));
}

describe("comparing two runs over the same records", () => {
  test("the mirrored comparison is the mirror image", () => {
    const [a, b] = [scores(1, 60), scores(2, 60, 1)];
    const [there, back] = [compareScores(a, b), compareScores(b, a)];
    assert.equal(there.difference, -back.difference);
    assert.equal(there.outcomes.wins, back.outcomes.losses);
    assert.equal(there.signTestP, back.signTestP);
    assert.ok(Math.abs(there.interval.lower + back.interval.upper) < 0.1);
  });

  test("a run compared with itself shows nothing but ties", () => {
    const a = scores(3, 50);
    const { difference, interval, outcomes, signTestP, permutationTest, warning } = compareScores(a, a);
    assert.deepEqual(
      { difference, interval, outcomes, signTestP },
      {
        difference: 0,
        interval: { lower: 0, upper: 0 },
        outcomes: { wins: 0, ties: 50, losses: 0 },
        signTestP: 1,
      },
    );
    assert.equal(permutationTest.pValue, 1);
    assert.equal(warning, undefined);
  });

  test("a plain difference is told, with no warning", () => {
    const a = scores(4, 100);
    const comparison = compareScores(
      a,
      a.map((score, index) => score + (index % 3)),
    );
    assert.ok(comparison.interval.lower > 0);
    assert.ok(comparison.signTestP < 0.001 && comparison.permutationTest.pValue < 0.001);
    assert.equal(comparison.warning, undefined);
  });

  test("few records are warned about, and a difference too small for them with the number that would do", () => {
    assert.equal(compareScores(scores(5, 10), scores(6, 10, 1)).warning?.code, "few_records");
    const noise = compareScores(scores(7, 60), scores(8, 60));
    assert.equal(noise.warning?.code, "effect_below_resolution");
    assert.ok((noise.warning?.records_needed ?? 0) > 60);
    assert.ok(noise.warning?.message.includes(String(noise.warning.records_needed)));
  });

  test("differences within the tolerance are ties", () => {
    const { outcomes } = compareScores([1, 1, 1], [1.05, 1.2, 0.9], { tieTolerance: 0.1 });
    assert.deepEqual(outcomes, { wins: 1, ties: 2, losses: 0 });
  });

  test("passes are compared by the records that changed", () => {
    const first = [true, true, false, false, true, false];
    const second = [true, false, true, true, true, true];
    const { table, rateFirst, rateSecond, mcnemarExactP } = comparePasses(first, second);
    assert.deepEqual(table, { bothPassed: 2, onlyFirstPassed: 1, onlySecondPassed: 3, bothFailed: 0 });
    assert.deepEqual([rateFirst, rateSecond], [3 / 6, 5 / 6]);
    assert.ok(Math.abs(mcnemarExactP - 0.625) < 1e-12, String(mcnemarExactP));
  });

  test("runs of different lengths are not compared", () => {
    assert.throws(() => compareScores([1, 2], [1]), RangeError);
    assert.throws(() => compareScores([], []), RangeError);
  });
});

describe("the bootstrap", () => {
  test("the same seed gives the same interval, another one a close one", () => {
    const values = scores(9, 70);
    const [one, again, other] = [1, 1, 2].map((seed) => bootstrapMeanInterval(values, { seed }));
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
  });

  test("an interval lies within the sample and around its mean", () => {
    const sample = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(sample, (values) => {
        const { lower, upper } = bootstrapMeanInterval(values, { resamples: 400 });
        assert.ok(Math.min(...values) <= lower && lower <= mean(values) + 1e-9);
        assert.ok(mean(values) - 1e-9 <= upper && upper <= Math.max(...values));
      }),
      { numRuns: 60 },
    );
  });

  test("large samples get fewer resamples, and never fewer than 1,000", () => {
    assert.equal(resamplesFor(100), 10_000);
    assert.equal(resamplesFor(5_000), 4_000);
    assert.equal(resamplesFor(50_000), 1_000);
  });
});

describe("the seeded generator", () => {
  test("draws every value of a range about as often", () => {
    const random = new SeededRandom(1);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const value = random.integer(10);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Chi-square with 9 degrees of freedom stays under 27.9 in 999 of 1,000 tries.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    assert.ok(chiSquare < 27.9, String(chiSquare));
  });
});

describe("sizes", () => {
  test("the records needed for an effect are those that detect it", () => {
    for (const effect of [0.1, 0.5, 2]) {
      const count = recordsNeeded(effect, 1.7);
      assert.ok(minimumDetectableEffect(count, 1.7) <= effect);
      assert.ok(minimumDetectableEffect(count - 1, 1.7) > effect);
    }
    assert.equal(recordsNeeded(0, 1), Number.POSITIVE_INFINITY);
    assert.equal(recordsNeeded(0.5, 0), 2);
  });

  test("a run of few records is warned about", () => {
    assert.equal(tooSmall(29)?.code, "few_records");
    assert.equal(tooSmall(30), undefined);
  });
});

test("a distribution tells its quantiles, and nothing of an empty sample", () => {
  assert.equal(distribution([]), undefined);
  assert.deepEqual(distribution([4, 1, 3, 2]), {
    count: 4,
    mean: 2.5,
    standardDeviation: Math.sqrt(5 / 3),
    min: 1,
    p50: 2.5,
    p90: 3.7,
    p95: 3.8499999999999996,
    p99: 3.9699999999999998,
    max: 4,
  });
});

test("the cost of a correct answer counts the wrong ones in, and is unknown when none is correct", () => {
  const some = costPerCorrect(12, 60, 100);
  assert.equal(some.value, 0.2);
  assert.ok(some.interval.lower < 0.2 && 0.2 < some.interval.upper);
  const none = costPerCorrect(12, 0, 100);
  assert.equal(none.value, undefined);
  assert.equal(none.interval.upper, Number.POSITIVE_INFINITY);
  assert.throws(() => costPerCorrect(1, 0, 0), RangeError);
});
