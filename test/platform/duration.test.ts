import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../../src/platform/duration.ts";

test("durations are seconds, or numbers with units as in Ollama's API", () => {
  const cases: ReadonlyArray<readonly [string | number, number | undefined]> = [
    [0, 0],
    [300, 300_000],
    ["300", 300_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    [-1, Infinity],
    ["-1", Infinity],
    ["-1m", Infinity],
    ["", undefined],
    ["soon", undefined],
    ["10 m", undefined],
    ["m", undefined],
  ];
  for (const [value, expected] of cases) assert.equal(parseDuration(value), expected, JSON.stringify(value));
});
