import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { END, FakeContext, letters, nextToken } from "../../support/fake-context.ts";
import { partsSum } from "../../support/generation-parts.ts";

interface Request {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly lane: "interactive" | "batch";
}
type Action =
  | { readonly type: "add"; readonly request: Request }
  | { readonly type: "cancel"; readonly which: number }
  | { readonly type: "fail" }
  | { readonly type: "step"; readonly times: number };

/** What a request gets alone, without any scheduler. */
function expected({ prompt, maxTokens, stop }: Request): { text: string; finishReason: string } {
  const history = [...prompt];
  let text = "";
  for (let count = 0; count < maxTokens; count++) {
    const token = nextToken(history);
    if (token === END) return { text, finishReason: "stop" };
    history.push(token);
    text += letters.piece(token).toString();
    const ends = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0);
    if (ends.length > 0) return { text: text.slice(0, Math.min(...ends)), finishReason: "stop" };
  }
  return { text, finishReason: "length" };
}

interface Outcome {
  text: string;
  endings: string[];
}

/** Drives a scheduler through `actions` and then until it has nothing left to do. */
function play(
  actions: readonly Action[],
  sizes: { sequences: number; capacity: number; canCut: boolean; isOnePass: boolean; hasQuickRow: boolean },
  speculation: boolean,
) {
  const context = new FakeContext({ ...sizes, contextPerSequence: 120 });
  // Everything takes a little time, so that a stretch that no part has shows.
  const clock = () => {
    context.now += 0.001;
    return context.now;
  };
  const scheduler = new Scheduler(context, letters, { stepTargetMs: 10, clock, speculation });
  const outcomes: Outcome[] = [];
  let samplers = 0;
  const step = () => {
    const report = scheduler.step();
    for (const { id, text, done, error } of report?.outputs ?? []) {
      const outcome = outcomes[id];
      assert.ok(outcome !== undefined);
      assert.equal(outcome.endings.length, 0, `request ${id} speaks after its end`);
      outcome.text += text;
      if (done !== undefined) {
        outcome.endings.push(done.finishReason);
        const { queueMs, prefillMs, decodeMs } = done.timings;
        for (const part of [queueMs, prefillMs, decodeMs]) assert.ok(part >= 0);
        const sums = partsSum(done.timings.parts);
        assert.ok(Math.abs(sums.wait - queueMs) < 1e-6, `${sums.wait} of ${queueMs} ms waited`);
        if (done.finishReason !== "cancelled") {
          assert.ok(
            Math.abs(sums.prefill - prefillMs) < 1e-6,
            `${sums.prefill} of ${prefillMs} ms of prefill`,
          );
          assert.ok(Math.abs(sums.decode - decodeMs) < 1e-6, `${sums.decode} of ${decodeMs} ms of decode`);
        }
        assert.ok(done.usage.cachedPromptTokens < done.usage.promptTokens);
      }
      if (error !== undefined) outcome.endings.push("error");
    }
    assert.ok(scheduler.running <= sizes.sequences);
    assert.ok(scheduler.cacheUsage >= 0 && scheduler.cacheUsage <= 1);
  };
  for (const action of actions) {
    switch (action.type) {
      case "add": {
        const { prompt, ...rest } = action.request;
        const id = outcomes.push({ text: "", endings: [] }) - 1;
        const createSampler = () => {
          samplers++;
          return context.sampler(() => samplers--);
        };
        scheduler.add({
          ...rest,
          id,
          prompt: Int32Array.from(prompt),
          arrivedAt: context.now,
          createSampler,
        });
        break;
      }
      case "cancel":
        if (outcomes.length > 0) scheduler.cancel(action.which % outcomes.length);
        break;
      case "fail":
        context.failNext = true;
        break;
      case "step":
        for (let time = 0; time < action.times; time++) step();
        break;
    }
  }
  for (let guard = 0; scheduler.hasWork; guard++) {
    assert.ok(guard < 20_000, "the scheduler does not come to an end");
    step();
  }
  assert.equal(samplers, 0, "samplers are left over");
  assert.equal(scheduler.running + scheduler.waiting, 0);
  assert.equal(scheduler.cacheUsage, 0);
  return outcomes;
}

const token = fc.integer({ min: 1, max: 11 });
// Prompts that share beginnings, as conversations do.
const shared = fc.constantFrom<readonly number[]>(
  [],
  Array.from({ length: 20 }, (_, index) => 1 + (index % 3)),
  Array.from({ length: 45 }, (_, index) => 1 + ((index * index) % 11)),
);
const request: fc.Arbitrary<Request> = fc.record({
  prompt: fc.tuple(shared, fc.array(token, { minLength: 1, maxLength: 30 })).map(([a, b]) => [...a, ...b]),
  maxTokens: fc.integer({ min: 1, max: 40 }),
  stop: fc.array(fc.string({ unit: fc.constantFrom("b", "c", "d", "e"), minLength: 1, maxLength: 3 }), {
    maxLength: 2,
  }),
  lane: fc.constantFrom("interactive", "batch"),
});
const add = fc.record({ type: fc.constant("add" as const), request });
const step = fc.record({ type: fc.constant("step" as const), times: fc.integer({ min: 1, max: 12 }) });
const cancel = fc.record({ type: fc.constant("cancel" as const), which: fc.nat() });
const fail = fc.record({ type: fc.constant("fail" as const) });
const sizes = fc.record({
  sequences: fc.integer({ min: 1, max: 6 }),
  capacity: fc.integer({ min: 8, max: 64 }),
  canCut: fc.boolean(),
  isOnePass: fc.boolean(),
  hasQuickRow: fc.boolean(),
});

function requestsOf(actions: readonly Action[]): Request[] {
  return actions.flatMap((action) => (action.type === "add" ? [action.request] : []));
}

for (const speculation of [false, true]) {
  const name = speculation ? "with drafting" : "without drafting";
  test(`${name}, batching and sharing change no answer`, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(add, step), { maxLength: 25 }), sizes, (actions, limits) => {
        const outcomes = play(actions, limits, speculation);
        for (const [index, one] of requestsOf(actions).entries()) {
          const { text, finishReason } = expected(one);
          assert.equal(outcomes[index]?.text, text);
          assert.deepEqual(outcomes[index]?.endings, [finishReason]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test(`${name}, cancellations and failures end their own requests and disturb no other`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(add, step, cancel, fail), { maxLength: 30 }),
        sizes,
        (actions, limits) => {
          const outcomes = play(actions, limits, speculation);
          for (const [index, one] of requestsOf(actions).entries()) {
            const { text, finishReason } = expected(one);
            const outcome = outcomes[index];
            assert.equal(outcome?.endings.length, 1);
            if (["cancelled", "error"].includes(outcome?.endings[0] ?? ""))
              assert.ok(text.startsWith(outcome?.text ?? "?"), `${outcome?.text} of ${text}`);
            else assert.deepEqual(outcome, { text, endings: [finishReason] });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
}
