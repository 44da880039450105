import assert from "node:assert/strict";
import { test } from "node:test";
import { cutLongRuns } from "../../../src/inference/llama/text-runs.ts";

test("a text of words stays whole, however long", () => {
  const text = "words of every day, 12 of them. ".repeat(20_000);
  assert.deepEqual(cutLongRuns(text), [text]);
});

test("a run without white space, or of nothing else, is cut into pieces that make it up again", () => {
  for (const unit of ["a", "7", "!", " ", "\r\n", "漢", "😀", "aA", "!/", "a\u0301"]) {
    const text = `before ${unit.repeat(20_000)} after`;
    const pieces = cutLongRuns(text);
    assert.equal(pieces.join(""), text);
    assert.ok(pieces.length > 1, unit);
    for (const piece of pieces) {
      assert.ok(piece.length <= 4200, `${unit}: ${piece.length}`);
      assert.ok(piece.isWellFormed(), unit);
    }
  }
});

test("the cut is where a word ends, and never inside a special text", () => {
  const words = `${"字".repeat(3000)}。${"字".repeat(3000)}`;
  assert.deepEqual(cutLongRuns(words), [`${"字".repeat(3000)}。`, "字".repeat(3000)]);
  for (let before = 4080; before < 4100; before++) {
    const pieces = cutLongRuns(`${"a".repeat(before)}<|im_end|>${"a".repeat(5000)}`, ["<|im_end|>"]);
    assert.ok(
      pieces.some((piece) => piece.includes("<|im_end|>")),
      String(before),
    );
  }
});
