import assert from "node:assert/strict";
import { test } from "node:test";
import { RowPadding } from "../../../src/inference/scheduler/row-padding.ts";
import { RowTimes } from "../../../src/inference/scheduler/row-times.ts";

class Padding {
  readonly times = new RowTimes();
  readonly padding = new RowPadding(this.times);
}

/** Chooses and measures `steps` steps that need `count` rows; returns how often the step was padded. */
function padded(
  { padding, times: rowTimes }: Padding,
  count: number,
  msOf: (rows: number) => number,
  steps: number,
): number {
  let times = 0;
  for (let step = 0; step < steps; step++) {
    const rows = padding.rows(count);
    if (rows !== count) times++;
    rowTimes.observe(rows, msOf(rows));
  }
  return times;
}

test("steps are padded where that was measured to be faster, and only there", () => {
  const inGroups = (rows: number) => Math.floor(rows / 4) * 4 + (rows % 4) * 5;
  const oneByOne = (rows: number) => rows;
  for (const count of [5, 7, 9, 13]) {
    assert.ok(padded(new Padding(), count, inGroups, 200) > 180, `${count} rows in groups`);
    assert.ok(padded(new Padding(), count, oneByOne, 200) < 20, `${count} rows one by one`);
  }
});

test("few rows and whole groups are left as they are", () => {
  for (const count of [1, 2, 3, 4, 8, 20]) assert.equal(new Padding().padding.rows(count), count);
});

test("a machine that changes is noticed, and one slow step decides nothing", () => {
  const padding = new Padding();
  padded(padding, 7, (rows) => (rows === 8 ? 10 : 12), 100);
  padding.times.observe(8, 5_000);
  assert.ok(padded(padding, 7, (rows) => (rows === 8 ? 10 : 12), 48) >= 44);
  padded(padding, 7, (rows) => (rows === 8 ? 14 : 12), 600);
  assert.ok(padded(padding, 7, (rows) => (rows === 8 ? 14 : 12), 100) < 10);
});
