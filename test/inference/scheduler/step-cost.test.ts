import assert from "node:assert/strict";
import { test } from "node:test";
import { StepCost } from "../../../src/inference/scheduler/step-cost.ts";

/** A machine on which a step takes 2 ms, 1 ms a decode row and 0.4 ms a prompt token. */
const stepMs = (tokens: number, rows: number) => 2 + rows + 0.4 * tokens;
const TARGET_MS = 100;

test("prompts get what a step has to spare, whatever was measured before", () => {
  const cost = new StepCost(TARGET_MS);
  // A start that misleads: the second row seems to cost five times as much as it does.
  for (const [rows, ms] of [
    [1, 3],
    [2, 8],
    [1, 3],
    [2, 8],
  ] as const)
    cost.observe(0, rows, ms);
  cost.observe(512, 0, stepMs(512, 0));
  for (let step = 0; step < 10; step++) {
    const tokens = cost.prefillTokens(20, 10, 492);
    cost.observe(tokens, 20, stepMs(tokens, 20));
  }
  const ms = stepMs(cost.prefillTokens(20, 10, 492), 20);
  assert.ok(ms > 0.85 * TARGET_MS && ms < 1.15 * TARGET_MS, `a step of ${ms} ms`);
});

test("the target holds while the number of streams changes", () => {
  const cost = new StepCost(TARGET_MS);
  cost.observe(512, 0, stepMs(512, 0));
  for (let rows = 1; rows <= 40; rows++) {
    const tokens = cost.prefillTokens(rows, 1, 512 - rows);
    if (rows > 4) assert.ok(stepMs(tokens, rows) < 1.25 * TARGET_MS, `${rows} rows and ${tokens} tokens`);
    cost.observe(tokens, rows, stepMs(tokens, rows));
  }
});

test("where more prompts wait than streams run, a step may be longer in that proportion", () => {
  const cost = new StepCost(TARGET_MS);
  for (const rows of [4, 8, 4, 8]) cost.observe(0, rows, stepMs(0, rows));
  for (let step = 0; step < 20; step++) cost.observe(200, 8, stepMs(200, 8));
  const one = cost.prefillTokens(8, 1, 10_000);
  assert.equal(cost.prefillTokens(8, 8, 10_000), one);
  const twice = cost.prefillTokens(8, 16, 10_000);
  assert.ok(Math.abs(twice - one - TARGET_MS / 0.4) < 10, `${one} and ${twice} tokens`);
});

test("with no reader waiting for a next token a step is as large as it can be", () => {
  const cost = new StepCost(TARGET_MS);
  cost.observe(100, 0, 1000);
  assert.equal(cost.prefillTokens(0, 1, 512), 512);
});

test("a prompt advances however slow the machine is", () => {
  const cost = new StepCost(TARGET_MS);
  for (let step = 0; step < 10; step++) cost.observe(16, 8, 5000);
  assert.equal(cost.prefillTokens(8, 1, 512), 16);
});
