import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StateMemory } from "../../../src/inference/kv-cache/state-memory.ts";

const BLOCK = 4096;

test("what lies in the memory stays as it was until it is given back, and then the memory is used again", () => {
  const step = fc.record({ bytes: fc.integer({ min: 0, max: 1500 }), victim: fc.option(fc.nat(20)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const memory = new StateMemory(BLOCK);
      const kept: { state: Uint8Array; mark: number }[] = [];
      for (const [index, { bytes, victim }] of steps.entries()) {
        const mark = (index % 255) + 1;
        // Callers cut what they were given.
        const state = memory.take(bytes).subarray(Math.min(8, bytes >> 1));
        state.fill(mark);
        kept.push({ state, mark });
        const [gone] = victim === null ? [] : kept.splice(victim % kept.length, 1);
        if (gone !== undefined) memory.give(gone.state);
        for (const one of kept) assert.ok(one.state.every((byte) => byte === one.mark));
      }
      for (const { state } of kept) memory.give(state);
      assert.ok(memory.bytes <= BLOCK);
      assert.equal(memory.take(BLOCK).length, BLOCK);
      assert.ok(memory.bytes <= BLOCK, "all of the block is one gap again");
    }),
  );
});

test("a state larger than a block gets one of its own; memory from elsewhere is left alone", () => {
  const memory = new StateMemory(BLOCK);
  const large = memory.take(3 * BLOCK);
  assert.equal(large.length, 3 * BLOCK);
  memory.give(new Uint8Array(5));
  memory.give(large);
  assert.throws(() => memory.give(large), /given back twice/);
});
