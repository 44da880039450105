import assert from "node:assert/strict";
import { test } from "node:test";
import { EarlierTexts } from "../../../src/inference/drafters/earlier-texts.ts";

const text = Array.from({ length: 40 }, (_, index) => 100 + index);

test("what followed the same tokens in the latest text of the scope is guessed, and nothing beyond its end", () => {
  const earlier = new EarlierTexts();
  assert.deepEqual(earlier.draft([100, 101, 102], 103, 8, ""), []);
  earlier.add(text, 10, "");
  assert.deepEqual(earlier.draft(text.slice(0, 20), 120, 4, ""), [121, 122, 123, 124]);
  assert.deepEqual(earlier.draft(text.slice(0, 37), 137, 8, ""), [138, 139]);
  assert.deepEqual(
    earlier.draft(text.slice(0, 20), 120, 4, "a"),
    [],
    "another scope's text is not looked at",
  );
  assert.deepEqual(earlier.draft(text.slice(0, 4), 104, 4, ""), [], "prompts are not remembered");
  earlier.add([...text.slice(0, 21), 7, 8, 9], 10, "");
  assert.deepEqual(earlier.draft(text.slice(0, 20), 120, 4, ""), [7, 8, 9]);
});

test("the oldest texts are overwritten, and none is guessed from half", () => {
  const earlier = new EarlierTexts();
  earlier.add(text, 0, "");
  for (let round = 0; round < 70; round++)
    earlier.add(
      Array.from({ length: 5000 }, (_, index) => 1_000_000 + round * 5000 + index),
      0,
      "",
    );
  assert.deepEqual(earlier.draft(text.slice(0, 20), 120, 4, ""), []);
  const last = 1_000_000 + 69 * 5000;
  assert.deepEqual(earlier.draft([last, last + 1, last + 2], last + 3, 2, ""), [last + 4, last + 5]);
});
