import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StepModel, type StepRates, type StepShape } from "../../../src/inference/scheduler/step-model.ts";

const shape: fc.Arbitrary<StepShape> = fc.record({
  passes: fc.constant(1),
  decodeRows: fc.integer({ min: 0, max: 24 }),
  prefillTokens: fc.integer({ min: 0, max: 512 }),
  kvTokens: fc.integer({ min: 0, max: 20_000 }),
  prefillKvTokens: fc.integer({ min: 0, max: 200_000 }),
});
const rates: fc.Arbitrary<StepRates> = fc.record({
  passes: fc.double({ min: 0.5, max: 50, noNaN: true }),
  decodeRows: fc.double({ min: 0, max: 5, noNaN: true }),
  prefillTokens: fc.double({ min: 0, max: 2, noNaN: true }),
  kvTokens: fc.double({ min: 0, max: 0.002, noNaN: true }),
  prefillKvTokens: fc.double({ min: 0, max: 0.0005, noNaN: true }),
});

function time(shape: StepShape, rates: StepRates): number {
  return (Object.keys(shape) as Array<keyof StepShape>).reduce(
    (sum, unit) => sum + shape[unit] * rates[unit],
    0,
  );
}

test("steps of every size are expected to take what such steps took", () => {
  fc.assert(
    fc.property(
      rates,
      fc.array(shape, { minLength: 200, maxLength: 200 }),
      fc.array(shape, { minLength: 20, maxLength: 20 }),
      (truth, seen, unseen) => {
        const model = new StepModel();
        for (let round = 0; round < 5; round++)
          for (const step of seen) model.observe(step, time(step, truth));
        const errors = unseen.map((step) => Math.abs(model.expectedMs(step) / time(step, truth) - 1));
        const median = errors.toSorted((a, b) => a - b)[errors.length / 2] ?? 1;
        assert.ok(median < 0.05, `median error ${median}`);
        for (const rate of Object.values(model.rates)) assert.ok(rate >= 0);
      },
    ),
    { numRuns: 40 },
  );
});

test("the time of steps that were all alike is put down to reading the weights", () => {
  const model = new StepModel();
  const step = { passes: 1, decodeRows: 1, prefillTokens: 0, kvTokens: 100, prefillKvTokens: 0 };
  for (let count = 0; count < 300; count++) model.observe(step, 4);
  assert.ok(model.rates.passes > 3.5, JSON.stringify(model.rates));
  assert.ok(Math.abs(model.expectedMs(step) - 4) < 0.1);
});

test("steps whose time does not grow evenly with their rows are expected to take what they took, by their rows", () => {
  // Of a real model on two cores, in milliseconds: rows are multiplied in groups.
  const took = new Map([
    [1, 4.3],
    [2, 9.6],
    [3, 11.3],
    [4, 13.3],
    [5, 18.3],
    [8, 16.8],
    [20, 28],
  ]);
  const model = new StepModel();
  const at = (decodeRows: number, prefillTokens = 0): StepShape => ({
    passes: 1,
    decodeRows,
    prefillTokens,
    kvTokens: 50 * decodeRows,
    prefillKvTokens: 0,
  });
  for (let round = 0; round < 30; round++) {
    for (const [rows, ms] of took) model.observe(at(rows), ms * (0.97 + 0.03 * (round % 3)));
    model.observe(at(2, 100), 60);
  }
  for (const [rows, ms] of took) {
    const off = model.expectedMs(at(rows)) / ms - 1;
    assert.ok(Math.abs(off) < 0.05, `${rows} rows: off by ${off}`);
  }
  const between = model.expectedMs(at(14));
  assert.ok(between > 16.8 && between < 28, `14 rows were not seen: ${between}`);
});

test("steady traffic does not forget what tells its parts apart, and follows a machine that gets slower", () => {
  const truth = { passes: 5, decodeRows: 0.9, prefillTokens: 0.4, kvTokens: 0.0005, prefillKvTokens: 0 };
  const model = new StepModel();
  const at = (decodeRows: number, prefillTokens: number): StepShape => ({
    passes: 1,
    decodeRows,
    prefillTokens,
    kvTokens: 60 * decodeRows,
    prefillKvTokens: 0,
  });
  for (let round = 0; round < 40; round++)
    for (const step of [at(1, 0), at(4, 0), at(9, 40), at(20, 0), at(2, 300)])
      model.observe(step, time(step, truth));
  const steady = at(20, 0);
  for (let count = 0; count < 20_000; count++)
    model.observe(
      { ...steady, kvTokens: 600 + (count % 100) * 20 },
      time(steady, truth) * (0.98 + 0.04 * ((count % 7) / 6)),
    );
  const share = (20 * model.rates.decodeRows) / model.expectedMs(steady);
  const expected = (20 * truth.decodeRows) / time(steady, truth);
  assert.ok(Math.abs(share - expected) < 0.1, `rows have ${share}, and not ${expected}, of a step`);
  for (let count = 0; count < 1200; count++) model.observe(steady, 2 * time(steady, truth));
  const off = model.expectedMs(steady) / (2 * time(steady, truth)) - 1;
  assert.ok(Math.abs(off) < 0.05, `off by ${off}`);
});
