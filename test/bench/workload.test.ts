import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, parseDistribution } from "../../bench/load/distribution.ts";
import { poissonArrivals } from "../../bench/load/open-loop.ts";
import { SeededRandom } from "../../bench/load/random.ts";
import { makeWorkload } from "../../bench/load/workload.ts";

const fixed = (value: number) => ({ type: "fixed", value }) as const;

test("one seed makes one workload, another seed another", () => {
  const shape = { requests: 5, promptTokens: fixed(20), newTokens: parseDistribution("5-9"), seed: 3 };
  assert.deepEqual(makeWorkload(shape), makeWorkload(shape));
  assert.notDeepEqual(makeWorkload(shape), makeWorkload({ ...shape, seed: 4 }));
});

test("prompts have the words asked for, and share exactly the beginning asked for", () => {
  const workload = makeWorkload({
    requests: 4,
    promptTokens: fixed(60),
    newTokens: fixed(4),
    sharedTokens: 50,
    groups: 2,
    seed: 1,
  });
  const prompts = workload.map(({ prompt }) => prompt.split(" ").slice(1));
  for (const words of prompts) {
    assert.equal(words.length, 60);
    for (const word of words) assert.match(word, /^[a-z]{3}$/);
  }
  const beginnings = prompts.map((words) => words.slice(0, 50).join(" "));
  assert.equal(beginnings[0], beginnings[2]);
  assert.equal(beginnings[1], beginnings[3]);
  assert.notEqual(beginnings[0], beginnings[1]);
  assert.equal(new Set(workload.map(({ prompt }) => prompt)).size, 4);
});

test("lengths keep to their distribution's bounds", () => {
  const random = new SeededRandom(9);
  const uniform = Array.from({ length: 2000 }, () => draw(parseDistribution("3-7"), random));
  assert.deepEqual(new Set(uniform), new Set([3, 4, 5, 6, 7]));
  const skewed = Array.from({ length: 2000 }, () => draw(parseDistribution("~100"), random));
  assert.ok(skewed.every((length) => length >= 1 && length <= 400));
  const below = skewed.filter((length) => length < 100).length;
  assert.ok(below > 850 && below < 1150, `${below} of 2000 below the median`);
});

test("a length that can't be read is refused with what can", () => {
  for (const text of ["", "0", "9-3", "-5", "abc", "1.5"]) {
    assert.throws(() => parseDistribution(text), /write 200, 50-400 or ~200/);
  }
});

test("Poisson arrivals come in order, within the time, at the rate, with exponential gaps", () => {
  const arrivals = poissonArrivals(50, 100_000, new SeededRandom(2));
  assert.ok(Math.abs(arrivals.length - 5000) < 300, `${arrivals.length} arrivals`);
  const gaps = arrivals.map((at, index) => at - (arrivals[index - 1] ?? 0));
  assert.ok(gaps.every((gap) => gap >= 0));
  assert.ok((arrivals.at(-1) ?? 0) < 100_000);
  // Of an exponential distribution, 1 - 1/e lies below the mean.
  const share = gaps.filter((gap) => gap < 20).length / gaps.length;
  assert.ok(Math.abs(share - 0.632) < 0.03, `${share} below the mean`);
});
