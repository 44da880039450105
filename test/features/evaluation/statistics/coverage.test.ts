/** Do 95 % intervals hold the true value in 95 % of the experiments? 2,000 experiments each, with fixed seeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrapMeanInterval } from "../../../../src/features/evaluation/statistics/bootstrap.ts";
import { permutationTest } from "../../../../src/features/evaluation/statistics/permutation-test.ts";
import { minimumDetectableEffect } from "../../../../src/features/evaluation/statistics/power.ts";
import { SeededRandom } from "../../../../src/features/evaluation/statistics/random.ts";
import { wilsonInterval } from "../../../../src/features/evaluation/statistics/wilson.ts";

const TRIALS = 2_000;

function share(experiment: (trial: number) => boolean): number {
  let held = 0;
  for (let trial = 0; trial < TRIALS; trial++) if (experiment(trial)) held++;
  return held / TRIALS;
}

function assertCovers(covered: number): void {
  assert.ok(covered >= 0.93 && covered <= 0.97, `${(100 * covered).toFixed(1)} % of the intervals`);
}

/** Normal with mean 0, as the sum of 12 uniform values. */
function normal(random: SeededRandom): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.next();
  return sum;
}

for (const [rate, count] of [
  [0.3, 40],
  [0.62, 100],
  [0.9, 200],
] as const) {
  test(`Wilson's interval of a pass rate of ${rate} over ${count} records`, () => {
    const random = new SeededRandom(count);
    const covered = share(() => {
      let passed = 0;
      for (let record = 0; record < count; record++) if (random.next() < rate) passed++;
      const { lower, upper } = wilsonInterval(passed, count);
      return lower <= rate && rate <= upper;
    });
    assertCovers(covered);
  });
}

const distributions: ReadonlyArray<{
  readonly name: string;
  readonly mean: number;
  draw(random: SeededRandom): number;
}> = [
  { name: "normal values", mean: 0, draw: normal },
  // Scores as a judge gives them: whole numbers, bunched at the top, with a tail of failures.
  {
    name: "scores from 1 to 10",
    mean: (10 + 9 + 9 + 9 + 8 + 7 + 5 + 2 + 1 + 1) / 10,
    draw: (random) => [10, 9, 9, 9, 8, 7, 5, 2, 1, 1][random.integer(10)] as number,
  },
];

for (const { name, mean, draw } of distributions) {
  test(`the BCa interval of the mean of 80 ${name}`, () => {
    const random = new SeededRandom(5);
    const covered = share((trial) => {
      const values = Array.from({ length: 80 }, () => draw(random));
      const { lower, upper } = bootstrapMeanInterval(values, { resamples: 500, seed: trial });
      return lower <= mean && mean <= upper;
    });
    assertCovers(covered);
  });
}

test("two runs that are the same are called different in 5 % of the comparisons", () => {
  const random = new SeededRandom(8);
  const called = share((trial) => {
    const differences = Array.from({ length: 25 }, () => normal(random));
    return permutationTest(differences, { resamples: 999, seed: trial }).pValue <= 0.05;
  });
  assert.ok(called > 0.03 && called < 0.07, String(called));
});

test("a difference of the minimum detectable size is noticed in 80 % of the comparisons", () => {
  const random = new SeededRandom(21);
  const effect = minimumDetectableEffect(50, 1);
  const noticed = share((trial) => {
    const differences = Array.from({ length: 50 }, () => effect + normal(random));
    return permutationTest(differences, { resamples: 999, seed: trial }).pValue <= 0.05;
  });
  assert.ok(noticed > 0.77 && noticed < 0.83, String(noticed));
});
