import assert from "node:assert/strict";
import type { GenerationParts } from "../../src/inference/generation-parts.ts";

/** Milliseconds of each phase's parts together. @throws AssertionError when a part is missing or negative */
export function partsSum(parts: GenerationParts | undefined) {
  assert.ok(parts !== undefined, "the times have no parts");
  const sum = (phase: Readonly<Record<string, number>>) => {
    const values = Object.values(phase);
    for (const value of values) assert.ok(value >= 0, JSON.stringify(phase));
    return values.reduce((total, value) => total + value, 0);
  };
  return { wait: sum(parts.wait), prefill: sum(parts.prefill), decode: sum(parts.decode) };
}
