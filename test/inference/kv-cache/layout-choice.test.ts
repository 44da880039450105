import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countTokens } from "../../../src/inference/kv-cache/common-tokens.ts";
import { LayoutChoice } from "../../../src/inference/kv-cache/layout-choice.ts";

test("tokens that requests of a scope begin with in common count once", () => {
  const requests = fc.array(
    fc.record({
      tokens: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 12 }),
      scope: fc.constantFrom("", "a"),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(requests, (some) => {
      const beginnings = new Set(
        some.flatMap(({ tokens, scope }) =>
          tokens.map((_, index) => `${scope}: ${tokens.slice(0, index + 1)}`),
        ),
      );
      const all = some.reduce((sum, { tokens }) => sum + tokens.length, 0);
      assert.deepEqual(countTokens(some), { all, different: beginnings.size });
    }),
  );
});

/** `count` requests of 600 tokens, of which the first `common` are the same. */
const requests = (count: number, common: number) =>
  Array.from({ length: count }, (_, request) => ({
    tokens: Int32Array.from({ length: 600 }, (_, index) => (index < common ? index : 1000 * request + index)),
    scope: "",
  }));

test("a shared buffer is chosen for prompts that begin alike, and left for unrelated ones", () => {
  const choice = new LayoutChoice();
  assert.equal(choice.better(requests(20, 0), 0), undefined);
  assert.equal(choice.better(requests(2, 590), 0), undefined, "two requests are too few");
  assert.equal(choice.better(requests(20, 550), 0)?.layout, "shared");
  choice.changed("shared", 100, 0);
  assert.equal(choice.better(requests(20, 0), 1999), undefined, "a change has to pay for itself first");
  assert.equal(choice.better(requests(20, 300), 2000), undefined, "between the bounds it stays");
  assert.equal(choice.better(requests(1, 0), 2000), undefined, "one request is the same to both");
  assert.equal(choice.better(requests(20, 100), 2000)?.layout, "separate");
});

test("where there was no room for another layout none is tried for a while", () => {
  const choice = new LayoutChoice();
  choice.failed(0);
  assert.equal(choice.better(requests(20, 550), 60_000), undefined);
  assert.equal(choice.better(requests(20, 550), 600_000)?.layout, "shared");
});
