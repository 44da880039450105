import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { nextSlice } from "../../src/platform/slices.ts";

test("of all that works in slices one has a slice in each turn of the event loop, and none waits for another's end", async () => {
  const slices: string[] = [];
  const work = async (name: string) => {
    for (let slice = 0; slice < 3; slice++) {
      await nextSlice();
      slices.push(name);
    }
  };
  const all = Promise.all(["a", "b", "c"].map(work));
  const counts: number[] = [];
  while (slices.length < 9) {
    await nextTurn();
    counts.push(slices.length);
  }
  await all;
  assert.equal(slices.join(""), "abcabcabc");
  // A turn of this test's own may come before or after a slice's.
  assert.ok(counts.every((count, index) => count - (counts[index - 1] ?? 0) <= 1));
});
