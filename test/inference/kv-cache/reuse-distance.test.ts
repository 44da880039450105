import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCK_TOKENS, ReuseDistances } from "../../../src/inference/kv-cache/reuse-distance.ts";
import { SeededRandom } from "../../support/random.ts";

/** A cache of so many blocks that forgets the least recently used first; returns the prompt tokens that it had. */
function simulate(prompts: readonly number[][], size: number): number {
  const held: string[] = [];
  let hits = 0;
  for (const prompt of prompts) {
    const blocks = Array.from({ length: Math.floor(prompt.length / BLOCK_TOKENS) }, (_, index) =>
      prompt.slice(0, (index + 1) * BLOCK_TOKENS).join(),
    );
    for (const block of blocks.reverse()) {
      const at = held.indexOf(block);
      if (at >= 0) {
        hits += BLOCK_TOKENS;
        held.splice(at, 1);
      }
      held.push(block);
      if (held.length > size) held.shift();
    }
  }
  return hits;
}

test("what a cache of each size would have had is what such a cache has when it is tried", () => {
  const random = new SeededRandom(7);
  const prompts: number[][] = [];
  const distances = new ReuseDistances();
  for (let count = 0; count < 300; count++) {
    const earlier = prompts.length > 0 && random.next() < 0.7 ? random.pick(prompts.slice(-40)) : [];
    const own = Array.from({ length: random.integer(3 * BLOCK_TOKENS) }, () => random.integer(50));
    const prompt = [...earlier.slice(0, random.integer(earlier.length + 1)), ...own];
    prompts.push(prompt);
    distances.prompt(prompt, "");
  }
  const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];
  assert.deepEqual(
    distances.curve(sizes.map((size) => size * BLOCK_TOKENS)).map(({ hitTokens }) => hitTokens),
    sizes.map((size) => simulate(prompts, size)),
  );
  assert.equal(
    distances.promptTokens,
    prompts.reduce((sum, { length }) => sum + length, 0),
  );
});

test("more blocks than are remembered do not disturb those used last", () => {
  const distances = new ReuseDistances();
  const text = (first: number) => Array.from({ length: 64 * BLOCK_TOKENS }, (_, at) => first + at);
  for (let count = 0; count < 2200; count++) distances.prompt(text(count * 10_000), "");
  const [before] = distances.curve([2 ** 20]);
  assert.equal(before?.hitTokens, 0);
  distances.prompt(text(2199 * 10_000), "");
  const [after] = distances.curve([64 * BLOCK_TOKENS]);
  assert.equal(after?.hitTokens, 64 * BLOCK_TOKENS);
});

test("scopes have nothing in common", () => {
  const distances = new ReuseDistances();
  const prompt = Array.from({ length: BLOCK_TOKENS }, (_, at) => at);
  distances.prompt(prompt, "one");
  distances.prompt(prompt, "two");
  assert.equal(distances.curve([1e6])[0]?.hitTokens, 0);
});
