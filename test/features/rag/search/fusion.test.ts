import assert from "node:assert/strict";
import { test } from "node:test";
import { fuse } from "../../../../src/features/rag/search/fusion.ts";

test("the first place in every ranking is 1, and places are worth less the lower they are", () => {
  const scores = fuse([
    { ordinals: [7, 3, 5], weight: 1 },
    { ordinals: [7, 5], weight: 2 },
  ]);
  assert.deepEqual([...scores.keys()], [7, 5, 3]);
  assert.ok(Math.abs((scores.get(7) ?? 0) - 1) < 1e-12);
});

test("what one method alone finds counts by that method's weight", () => {
  const scores = fuse([
    { ordinals: [1], weight: 1 },
    { ordinals: [2], weight: 2 },
  ]);
  assert.deepEqual([...scores.keys()], [2, 1]);
});

test("equal scores keep the order of the text", () => {
  const scores = fuse([
    { ordinals: [9], weight: 1 },
    { ordinals: [4], weight: 1 },
  ]);
  assert.deepEqual([...scores.keys()], [4, 9]);
});
