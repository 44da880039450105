import assert from "node:assert/strict";
import { test } from "node:test";
import { RowTimes } from "../../../src/inference/scheduler/row-times.ts";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { FakeContext, letters } from "../../support/fake-context.ts";

/** A scheduler with `count` requests that last long, and the rows of each step while all of them decode. */
function decoding(count: number, hasQuickRow: boolean) {
  const context = new FakeContext({ sequences: 4, capacity: 16, contextPerSequence: 800, hasQuickRow });
  const clock = () => context.now;
  const scheduler = new Scheduler(context, letters, { stepTargetMs: 10, clock, speculation: false });
  for (let id = 0; id < count; id++) {
    const createSampler = () => {
      const sampler = context.sampler(() => {});
      return { ...sampler, sample: (row: number) => sampler.sample(row) || 1 };
    };
    scheduler.add({
      id,
      prompt: Int32Array.of(1 + id),
      maxTokens: 300,
      stop: [],
      lane: "interactive",
      arrivedAt: 0,
      createSampler,
    });
  }
  return scheduler;
}

function rowsOfSteps(count: number, hasQuickRow: boolean): number[] {
  const scheduler = decoding(count, hasQuickRow);
  const rows: number[] = [];
  while (scheduler.hasWork) {
    const [record] = scheduler.step()?.records ?? [];
    if (record?.running === count && record.prefillTokens === 0) rows.push(record.decodeRows);
  }
  return rows;
}

const share = (rows: readonly number[], wanted: number) =>
  rows.filter((row) => row === wanted).length / rows.length;

test("two and three sequences decode in turn where single rows are so much quicker", () => {
  for (const count of [2, 3]) assert.ok(share(rowsOfSteps(count, true), 1) > 0.9, `${count} sequences`);
});

test("they share steps where that is quicker, and four always do", () => {
  for (const count of [2, 3]) assert.ok(share(rowsOfSteps(count, false), count) > 0.9, `${count} sequences`);
  assert.equal(share(rowsOfSteps(4, true), 4), 1);
});

test("in turn, none is ahead of another by more than a token", () => {
  const scheduler = decoding(3, true);
  const counts = [0, 0, 0];
  while (scheduler.hasWork) {
    for (const { sequences } of scheduler.step()?.records ?? [])
      for (const { generation, decodeRows } of sequences)
        counts[generation] = (counts[generation] ?? 0) + decodeRows;
    if (scheduler.running === 3) assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, counts.join(", "));
  }
});

test("a step's time counts once some of its size were seen", () => {
  const times = new RowTimes();
  for (let step = 0; step < 3; step++) times.observe(2, 8);
  assert.equal(times.ms(2), undefined);
  times.observe(2, 8);
  assert.equal(times.ms(2), 8);
});
