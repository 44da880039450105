import assert from "node:assert/strict";
import { test } from "node:test";
import type { SequenceOutput } from "../../../src/inference/scheduler/report.ts";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { FakeContext, letters } from "../../support/fake-context.ts";

/** Runs prompts side by side on a clock that goes on at every look; returns the ends by id. */
function runTogether(prompts: readonly (readonly number[])[]): ReadonlyMap<number, SequenceOutput> {
  const context = new FakeContext({ sequences: 4, capacity: 64, contextPerSequence: 200 });
  let looks = 0;
  const scheduler = new Scheduler(context, letters, {
    stepTargetMs: 1000,
    clock: () => context.now + ++looks / 100,
    speculation: false,
  });
  for (const [id, prompt] of prompts.entries())
    scheduler.add({
      id,
      prompt: Int32Array.from(prompt),
      maxTokens: 12,
      stop: [],
      lane: "interactive",
      arrivedAt: 0,
      createSampler: () => context.sampler(() => {}),
    });
  const ends = new Map<number, SequenceOutput>();
  while (scheduler.hasWork)
    for (const output of scheduler.step()?.outputs ?? []) if (output.done) ends.set(output.id, output);
  return ends;
}

const total = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((sum, ms) => sum + ms, 0);

test("a request alone spends no time on others, and all its parts add up to its time", () => {
  const { done } = runTogether([[1, 2, 3, 4]]).get(0) ?? assert.fail("no end");
  const { parts, queueMs, prefillMs, decodeMs } = done?.timings ?? assert.fail("no times");
  for (const phase of [parts?.prefill, parts?.decode])
    for (const [name, ms] of Object.entries(phase ?? {}))
      if (name.startsWith("others_")) assert.equal(ms, 0, name);
  const sum = total(parts?.wait ?? {}) + total(parts?.prefill ?? {}) + total(parts?.decode ?? {});
  assert.ok(Math.abs(sum - (queueMs + prefillMs + decodeMs)) < 1e-6, `${sum}`);
});

test("beside others the time of their sampling is told apart, and parts still add up", () => {
  const ends = runTogether([
    [1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  assert.equal(ends.size, 3);
  let others = 0;
  for (const { done } of ends.values()) {
    const { parts, queueMs, prefillMs, decodeMs } = done?.timings ?? assert.fail("no times");
    others += parts?.decode.others_sampling ?? 0;
    const sum = total(parts?.wait ?? {}) + total(parts?.prefill ?? {}) + total(parts?.decode ?? {});
    assert.ok(Math.abs(sum - (queueMs + prefillMs + decodeMs)) < 1e-6, `${sum}`);
  }
  assert.ok(others > 0);
});
