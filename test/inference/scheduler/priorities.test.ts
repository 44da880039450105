import assert from "node:assert/strict";
import { test } from "node:test";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { FakeContext, letters } from "../../support/fake-context.ts";

type Lane = "interactive" | "batch";

/** A scheduler whose requests never end by themselves, and what each has got so far. */
function setUp() {
  const context = new FakeContext({ sequences: 4, capacity: 64, contextPerSequence: 2000 });
  const clock = () => context.now;
  const scheduler = new Scheduler(context, letters, { stepTargetMs: 1000, clock, speculation: false });
  const tokens = new Map<number, number>();
  return {
    scheduler,
    tokens,
    now: clock,
    add(id: number, lane: Lane, promptTokens: number) {
      tokens.set(id, 0);
      scheduler.add({
        id,
        prompt: new Int32Array(promptTokens).fill(id),
        maxTokens: 1000,
        stop: [],
        lane,
        arrivedAt: 0,
        createSampler: () => ({
          sample: () => 1 + (id % 3),
          accept: () => {},
          free: () => {},
          forcedTokens: () => [],
          isFinal: false,
        }),
      });
    },
    steps(count: number) {
      for (let step = 0; step < count; step++)
        for (const { id, text } of scheduler.step()?.outputs ?? [])
          tokens.set(id, (tokens.get(id) ?? 0) + text.length);
    },
  };
}

test("while an interactive request runs it gets a token each step, and batch work an eighth of the time", () => {
  const { tokens, add, steps, now } = setUp();
  add(1, "batch", 4);
  steps(3);
  assert.equal(tokens.get(1), 3);
  add(2, "interactive", 4);
  const startedAt = now();
  steps(200);
  assert.equal(tokens.get(2), 200);
  const shared = (tokens.get(1) ?? 0) - 3;
  // A step of two rows takes 2 ms on this machine.
  assert.ok(Math.abs((2 * shared) / (now() - startedAt) - 1 / 8) < 0.02, `${shared} shared steps`);
});

test("batch work has the steps to itself again once no interactive request runs", () => {
  const { scheduler, tokens, add, steps } = setUp();
  add(1, "batch", 4);
  add(2, "interactive", 4);
  steps(8);
  scheduler.cancel(2);
  const before = tokens.get(1) ?? 0;
  steps(8);
  assert.equal(tokens.get(1), before + 8);
});

test("a long batch prompt advances a little at a time beside an interactive request", () => {
  const { scheduler, tokens, add, steps } = setUp();
  add(2, "interactive", 4);
  steps(1);
  add(1, "batch", 640);
  steps(500);
  assert.equal(tokens.get(2), 501);
  assert.equal(tokens.get(1), 0);
  scheduler.cancel(2);
  steps(15);
  assert.ok((tokens.get(1) ?? 0) > 0);
});
