import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LlamaError } from "../../../src/inference/llama/errors.ts";
import { planCapacity } from "../../../src/inference/local/capacity.ts";

const GiB = 2 ** 30;
const model = { trainingContext: 4096, kvBytesPerToken: 1024 };
const automatic = { contextSize: 0, maxSequences: 0, kvCacheMemory: 0, availableMemory: 4 * GiB };

test("left to itself a plan takes the model's context, and sequences for a quarter of the memory", () => {
  const plan = planCapacity({ ...model, ...automatic, availableMemory: GiB });
  assert.equal(plan.contextPerSequence, 4096);
  assert.equal(plan.sequences, 64);
  assert.equal(plan.kvCacheBytes, 64 * 4096 * 1024);
  assert.equal(planCapacity({ ...model, ...automatic, availableMemory: GiB / 4 }).sequences, 16);
});

test("a small budget shortens the context before it gives up", () => {
  const plan = planCapacity({ ...model, ...automatic, kvCacheMemory: 1000 * 1024 });
  assert.equal(plan.contextPerSequence, 768);
  assert.equal(plan.sequences, 1);
});

test("what was asked for is given exactly, or refused with the numbers", () => {
  const asked = { ...model, ...automatic, contextSize: 512, maxSequences: 3 };
  const plan = planCapacity(asked);
  assert.deepEqual([plan.contextPerSequence, plan.sequences], [512, 3]);
  assert.throws(
    () => planCapacity({ ...asked, kvCacheMemory: 1024 * 1024 }),
    (error) => error instanceof LlamaError && /3 sequences × 512 tokens/.test(error.message),
  );
  assert.throws(() => planCapacity({ ...asked, contextSize: 4097 }), /4096/);
});

test("a plan never exceeds its limit", () => {
  const inputs = fc.record({
    trainingContext: fc.integer({ min: 256, max: 200_000 }),
    kvBytesPerToken: fc.integer({ min: 1, max: 1_000_000 }),
    contextSize: fc.constantFrom(0, 256, 2048),
    maxSequences: fc.integer({ min: 0, max: 256 }),
    kvCacheMemory: fc.constantFrom(0, 2 ** 24, 2 ** 30),
    availableMemory: fc.integer({ min: 2 ** 20, max: 2 ** 36 }),
  });
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        const plan = planCapacity(input);
        assert.ok(plan.kvCacheBytes <= (input.kvCacheMemory || input.availableMemory));
        assert.ok(plan.contextPerSequence >= 1 && plan.contextPerSequence <= input.trainingContext);
        assert.ok(plan.sequences >= 1 && plan.sequences <= 256);
      } catch (error) {
        assert.ok(error instanceof LlamaError, String(error));
      }
    }),
  );
});
