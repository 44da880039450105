import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bridges, neighbours, passes, runs } from "../../../src/inference/kv-cache/passes.ts";
import { PrefixCache } from "../../../src/inference/kv-cache/prefix-cache.ts";
import type { Slot } from "../../../src/inference/kv-cache/slots.ts";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { FakeContext, letters } from "../../support/fake-context.ts";

const one = (sequences: readonly number[]) => sequences.map((kvSequence) => ({ kvSequence, rows: 1 }));

test("rows share a pass as far as their sequences follow one another and have as many rows", () => {
  assert.equal(passes([]), 0);
  assert.equal(passes(one([3, 4, 5])), 1);
  assert.equal(passes(one([5, 3, 4])), 1);
  assert.equal(passes(one([0, 1, 2, 3, 5, 6, 7, 8])), 2);
  assert.equal(passes(one([0, 2, 4, 6])), 4);
  // A row of each first, then the rest of the prompt.
  assert.equal(passes([...one([0, 1]), { kvSequence: 2, rows: 60 }]), 2);
  assert.equal(passes([{ kvSequence: 0, rows: 7 }, ...one([1]), { kvSequence: 2, rows: 7 }]), 3);
});

test("a gap is bridged when it is short enough and every sequence in it can take a row", () => {
  assert.deepEqual(
    bridges([9, 0, 3], 5, () => true),
    [1, 2, 4, 5, 6, 7, 8],
  );
  assert.deepEqual(
    bridges([0, 3, 9], 2, () => true),
    [1, 2],
  );
  assert.deepEqual(
    bridges([0, 3, 5], 2, (sequence) => sequence !== 2),
    [4],
  );
});

interface Event {
  readonly prompt: readonly number[];
  readonly ends: boolean;
  readonly which: number;
}
const event: fc.Arbitrary<Event> = fc.record({
  prompt: fc
    .tuple(
      fc.constantFrom(0, 30, 60),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 40 }),
    )
    .map(([shared, own]) => [...Array.from({ length: shared }, (_, index) => 4 + (index % 5)), ...own]),
  ends: fc.boolean(),
  which: fc.nat(),
});

test("a request never adds a stretch of busy sequences where it could join one, and what is held stays true", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 2, max: 12 }), (events, sequences) => {
      const context = new FakeContext({ sequences, capacity: 64, contextPerSequence: 200, isOnePass: false });
      const cache = new PrefixCache(context);
      const busy: Slot[] = [];
      const stretches = () => runs(busy.map(({ kvSequence }) => kvSequence));
      for (const [now, { prompt, ends, which }] of events.entries()) {
        if (ends && busy.length > 0) {
          const [slot] = busy.splice(which % busy.length, 1);
          if (slot !== undefined) cache.release(slot, now);
        }
        if (!cache.hasIdleSlot) continue;
        const before = stretches();
        const { slot, cachedTokens } = cache.reserve(Int32Array.from(prompt), now);
        busy.push(slot);
        assert.ok(stretches() <= Math.max(1, before), `${before} stretches became ${stretches()}`);
        assert.deepEqual(context.held[slot.kvSequence], prompt.slice(0, cachedTokens));
        for (const token of prompt.slice(cachedTokens)) {
          slot.tokens.push(token);
          context.held[slot.kvSequence]?.push(token);
        }
        for (let moves = 0; stretches() > 1; moves++) {
          assert.ok(moves < sequences, "moving comes to no end");
          const moved = cache.closeGap();
          assert.ok(moved !== undefined, "a gap has no place");
          busy[busy.indexOf(moved.from)] = moved.to;
        }
        cache.checkIntegrity((sequence) => context.held[sequence]?.length ?? 0);
      }
    }),
  );
});

test("a conversation that is moved aside for a running request is still there for its next turn", () => {
  const context = new FakeContext({ sequences: 6, capacity: 64, contextPerSequence: 200, isOnePass: false });
  const cache = new PrefixCache(context);
  const prompt = (first: number) => Int32Array.from({ length: 40 }, (_, index) => 1 + ((first + index) % 9));
  const turn = (first: number, now: number) => {
    const { slot, cachedTokens } = cache.reserve(prompt(first), now);
    for (const token of prompt(first).slice(cachedTokens)) {
      slot.tokens.push(token);
      context.held[slot.kvSequence]?.push(token);
    }
    return { slot, cachedTokens };
  };
  // Five conversations, one after another; then two at a time, in an order that scatters them.
  for (let first = 0; first < 5; first++) cache.release(turn(first, first).slot, first);
  for (const [now, [a, b]] of [
    [0, 4],
    [1, 3],
    [2, 0],
    [4, 1],
  ].entries()) {
    const pair = [turn(a ?? 0, 10 + now), turn(b ?? 0, 10 + now)];
    for (const { cachedTokens } of pair) assert.equal(cachedTokens, 39);
    assert.equal(runs(pair.map(({ slot }) => slot.kvSequence)), 1);
    for (const { slot } of pair) cache.release(slot, 10 + now);
  }
});

test("at any occupancy a decode step takes one pass, or as good as", () => {
  const context = new FakeContext({
    sequences: 64,
    capacity: 512,
    contextPerSequence: 400,
    isOnePass: false,
  });
  const scheduler = new Scheduler(context, letters, {
    stepTargetMs: 100,
    clock: () => context.now,
    speculation: false,
  });
  let id = 0;
  let steps = 0;
  let taken = 0;
  let random = 1;
  const next = (limit: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % limit;
  };
  for (let step = 0; step < 3000; step++) {
    const wanted = step < 1500 ? 8 : 20;
    while (scheduler.running + scheduler.waiting < wanted) {
      const sampler = {
        sample: () => 1 + next(11),
        accept: () => {},
        free: () => {},
        forcedTokens: () => [],
        isFinal: false,
      };
      scheduler.add({
        id: ++id,
        prompt: Int32Array.from({ length: 20 }, () => 1 + next(11)),
        maxTokens: 20 + next(200),
        stop: [],
        lane: "interactive",
        arrivedAt: context.now,
        createSampler: () => sampler,
      });
    }
    const report = scheduler.step();
    steps += report?.decodeSteps ?? 0;
    taken += report?.decodePasses ?? 0;
  }
  assert.ok(steps > 1000);
  assert.ok(taken / steps <= 1.1, `${taken / steps} passes a step`);
});

test("neighbours that can take a row are found above, then below, and all of them or none", () => {
  const free = new Set([1, 2, 6, 7]);
  const canTakeRow = (sequence: number) => free.has(sequence);
  assert.deepEqual(neighbours(3, 5, 1, canTakeRow), [6]);
  assert.deepEqual(neighbours(3, 5, 3, canTakeRow), [6, 7, 2]);
  assert.deepEqual(neighbours(3, 5, 5, canTakeRow), []);
  assert.deepEqual(neighbours(3, 5, 0, canTakeRow), []);
});
