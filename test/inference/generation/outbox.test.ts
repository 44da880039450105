import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Outbox } from "../../../src/inference/generation/outbox.ts";
import type { SequenceOutput, StepReport } from "../../../src/inference/scheduler/report.ts";

const usage = {
  promptTokens: 1,
  cachedPromptTokens: 0,
  completionTokens: 1,
  reasoningTokens: 0,
  draftedTokens: 0,
  acceptedTokens: 0,
};
const done = {
  finishReason: "stop",
  usage,
  timings: { queueMs: 0, prefillMs: 0, decodeMs: 0 },
} as const;

function report(outputs: readonly SequenceOutput[]): StepReport {
  return { outputs, stepMs: 2, computeMs: 1, expectedMs: 1, records: [], decodeSteps: 1, decodePasses: 1 };
}

test("text leaves together once it has waited for the interval", () => {
  let now = 0;
  const outbox = new Outbox(40, () => now);
  assert.equal(outbox.add(report([{ id: 1, text: "a" }]))?.outputs[0]?.text, "a");
  now = 20;
  assert.equal(outbox.add(report([{ id: 1, text: "b" }])), undefined);
  now = 39;
  assert.equal(outbox.add(report([{ id: 1, text: "c" }])), undefined);
  now = 40;
  assert.deepEqual(outbox.add(report([{ id: 1, text: "d" }])), {
    outputs: [{ id: 1, text: "bcd" }],
    stepMs: 6,
    computeMs: 3,
    expectedMs: 3,
    records: [],
    decodeSteps: 3,
    decodePasses: 3,
  });
});

test("first text, ends and failures leave at once and take with them what is held", () => {
  const outbox = new Outbox(40, () => 0);
  outbox.add(report([{ id: 1, text: "a" }]));
  assert.equal(outbox.add(report([{ id: 1, text: "b" }])), undefined);
  const first = outbox.add(report([{ id: 2, text: "x" }]));
  assert.deepEqual(
    first?.outputs.map(({ id, text }) => [id, text]),
    [
      [1, "b"],
      [2, "x"],
    ],
  );
  assert.equal(outbox.add(report([{ id: 1, text: "c" }])), undefined);
  assert.deepEqual(outbox.add(report([{ id: 1, text: "d", done }]))?.outputs, [{ id: 1, text: "cd", done }]);
  const error = new Error("failed");
  assert.deepEqual(outbox.add(report([{ id: 2, text: "", error }]))?.outputs, [{ id: 2, text: "", error }]);
});

test("without an interval text does not wait", () => {
  const outbox = new Outbox(0, () => 0);
  for (const text of ["a", "b", "c"])
    assert.equal(outbox.add(report([{ id: 1, text }]))?.outputs[0]?.text, text);
});

test("whatever is held back when, each request gets its text whole, in order, and its time is counted", () => {
  const step = fc.record({
    ms: fc.integer({ min: 0, max: 60 }),
    outputs: fc.uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 5 }), text: fc.string() }), {
      selector: ({ id }) => id,
    }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let now = 0;
      const outbox = new Outbox(40, () => now);
      const sent: StepReport[] = [];
      const send = (due: StepReport | undefined) => due !== undefined && sent.push(due);
      for (const { ms, outputs } of steps) {
        now += ms;
        send(outbox.add(report(outputs)));
      }
      send(outbox.add(report([1, 2, 3, 4, 5].map((id) => ({ id, text: "", done })))));
      for (const id of [1, 2, 3, 4, 5]) {
        const texts = (reports: ReadonlyArray<{ outputs: readonly SequenceOutput[] }>) =>
          reports
            .flatMap(({ outputs }) => outputs.filter((output) => output.id === id))
            .map(({ text }) => text);
        assert.equal(texts(sent).join(""), texts(steps).join(""));
      }
      assert.equal(
        sent.reduce((sum, { stepMs }) => sum + stepMs, 0),
        2 * (steps.length + 1),
      );
    }),
  );
});
