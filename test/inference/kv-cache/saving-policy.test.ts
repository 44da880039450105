import assert from "node:assert/strict";
import { test } from "node:test";
import { SavingPolicy } from "../../../src/inference/kv-cache/saving-policy.ts";

/** Saves that take `saveMs`, of sequences of 100 tokens that take 50 ms to compute. */
function policyOf(saveMs: number) {
  let now = 0;
  const policy = new SavingPolicy(
    () => now,
    (tokens) => tokens / 2,
  );
  /** How many of `losses` were saved, where each `wantedEach`-th lost sequence is wanted again. */
  const run = (losses: number, wantedEach = Number.POSITIVE_INFINITY) => {
    let saved = 0;
    for (let loss = 1; loss <= losses; loss++) {
      if (policy.lose(100)) {
        saved += 1;
        policy.measure(100, () => {
          now += saveMs;
          return new Uint8Array(1);
        });
      }
      if (loss % wantedEach === 0) policy.wanted(100);
    }
    return saved;
  };
  return { policy, run };
}

test("what nothing asks for again is saved at first, and then only tried now and then", () => {
  const { run } = policyOf(10);
  assert.equal(run(16), 16);
  assert.equal(run(320), 10);
});

test("saving begins again when lost tokens are wanted, and lasts while it pays", () => {
  const { run } = policyOf(10);
  run(336);
  // A quarter of 50 ms is more than 10 ms, an eighth is less.
  run(200, 4);
  assert.equal(run(100, 4), 100);
  run(400, 8);
  assert.ok(run(320, 8) <= 10);
});

test("where saving costs nearly nothing, a rare return is enough", () => {
  const { run } = policyOf(0.1);
  run(640, 64);
  assert.equal(run(320, 64), 320);
});
