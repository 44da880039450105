import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PrefixCache } from "../../../src/inference/kv-cache/prefix-cache.ts";
import type { Slot } from "../../../src/inference/kv-cache/slots.ts";
import { FakeContext } from "../../support/fake-context.ts";

const sizes = { sequences: 4, capacity: 64, contextPerSequence: 200 };
const tokens = (length: number, first = 1) => Array.from({ length }, (_, index) => first + (index % 9));

/** Computes the rest of `prompt`, as the scheduler would. */
function fill(context: FakeContext, slot: Slot, prompt: readonly number[]): void {
  for (const token of prompt.slice(slot.tokens.length)) {
    slot.tokens.push(token);
    context.held[slot.kvSequence]?.push(token);
  }
}

test("the books agree with the memory, and what is given out is the prompt's own beginning", () => {
  const prompt = fc
    .tuple(
      fc.constantFrom(0, 10, 20, 50),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 20 }),
    )
    .map(([shared, own]) => [...tokens(shared), ...own]);
  const action = fc.record({ prompt, end: fc.constantFrom("keep", "release", "discard"), which: fc.nat() });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const context = new FakeContext(sizes);
      const cache = new PrefixCache(context);
      const busy: Slot[] = [];
      for (const [now, { prompt, end, which }] of actions.entries()) {
        if (end !== "keep" && busy.length > 0) {
          const [slot] = busy.splice(which % busy.length, 1);
          if (slot !== undefined) cache[end as "release" | "discard"](slot, now);
        }
        assert.equal(cache.hasIdleSlot, busy.length < sizes.sequences);
        if (!cache.hasIdleSlot) continue;
        const { slot, cachedTokens } = cache.reserve(Int32Array.from(prompt), now);
        assert.ok(!busy.includes(slot), "a busy sequence was given away");
        assert.ok(cachedTokens < prompt.length, "the last token's logits are needed");
        assert.deepEqual(context.held[slot.kvSequence], prompt.slice(0, cachedTokens));
        fill(context, slot, prompt);
        busy.push(slot);
        cache.checkIntegrity((sequence) => context.held[sequence]?.length ?? 0);
        assert.equal(
          cache.busyTokens,
          busy.reduce((sum, { tokens: held }) => sum + held.length, 0),
        );
      }
    }),
  );
});

test("a prefix is taken from a sequence that is still busy with it, by copying", () => {
  const context = new FakeContext(sizes);
  const cache = new PrefixCache(context);
  const first = cache.reserve(Int32Array.from(tokens(40)), 1);
  fill(context, first.slot, tokens(40));
  const second = cache.reserve(Int32Array.from([...tokens(30), 11, 11]), 2);
  assert.notEqual(second.slot.kvSequence, first.slot.kvSequence);
  assert.equal(second.cachedTokens, 30);
});

test("an idle holder is used in place, and the least recently used one is overwritten", () => {
  const context = new FakeContext(sizes);
  const cache = new PrefixCache(context);
  const slots = [1, 2, 3, 4].map((first) => {
    const prompt = tokens(20, first);
    const { slot } = cache.reserve(Int32Array.from(prompt), first);
    fill(context, slot, prompt);
    return slot;
  });
  for (const [index, slot] of slots.entries()) cache.release(slot, 10 + index);
  const again = cache.reserve(Int32Array.from([...tokens(20, 3), 5]), 20);
  assert.equal(again.slot, slots[2]);
  assert.equal(again.cachedTokens, 20);
  assert.equal(cache.reserve(Int32Array.from([11, 11, 11]), 21).slot, slots[0]);
});

test("books that are wrong are noticed", () => {
  const cache = new PrefixCache(new FakeContext(sizes));
  assert.throws(() => cache.checkIntegrity(() => 1), /sequence 0 holds 1 tokens, its slot says 0/);
});
