import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planCapacity } from "../../../src/inference/generation/capacity.ts";
import { LlamaError } from "../../../src/inference/llama/errors.ts";

const GiB = 2 ** 30;
const model = { trainingContext: 4096, bytesPerToken: 1024, bytesPerSequence: 0 };
const automatic = {
  contextSize: 0,
  maxSequences: 0,
  kvCacheMemory: 0,
  availableMemory: 4 * GiB,
  isOffloaded: false,
};

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

test("a budget that memory does not hold is refused with the numbers, unless an accelerator holds the cache", () => {
  const asked = { ...model, ...automatic, maxSequences: 4, kvCacheMemory: 8 * GiB, availableMemory: 2 ** 20 };
  assert.throws(
    () => planCapacity(asked),
    (error) =>
      error instanceof LlamaError && /= 16\.0 MiB, and 1\.0 MiB of memory is available/.test(error.message),
  );
  assert.equal(planCapacity({ ...asked, isOffloaded: true }).kvCacheBytes, 2 ** 24);
});

test("the arithmetic counts what is allotted: whole steps of 256 tokens, and one sequence where none fits", () => {
  const plan = planCapacity({ ...model, ...automatic, contextSize: 300, maxSequences: 2 });
  assert.deepEqual([plan.contextPerSequence, plan.kvCacheBytes], [300, 2 * 512 * 1024]);
  assert.match(plan.explanation, /1\.0 MiB = 2 sequences × 512 tokens/);
  assert.throws(
    () => planCapacity({ ...model, ...automatic, kvCacheMemory: 100 * 1024 }),
    /1 sequences × 256 tokens × 1\.0 KiB a token = 256 KiB, and the budget is 100 KiB/,
  );
});

test("states count for each sequence, and alone where no layer keeps keys and values", () => {
  const hybrid = { ...model, ...automatic, bytesPerSequence: 2 ** 20, contextSize: 1024, maxSequences: 3 };
  const plan = planCapacity(hybrid);
  assert.equal(plan.kvCacheBytes, 3 * (1024 * 1024 + 2 ** 20));
  assert.match(plan.explanation, /3 sequences × \(1024 tokens × 1\.0 KiB a token \+ 1\.0 MiB of states\)/);
  const recurrent = planCapacity({ ...hybrid, bytesPerToken: 0, contextSize: 0, maxSequences: 0 });
  assert.deepEqual([recurrent.contextPerSequence, recurrent.sequences], [4096, 64]);
  assert.match(recurrent.explanation, /64 sequences × 1\.0 MiB of states/);
});

test("a plan never exceeds its limit", () => {
  const inputs = fc.record({
    trainingContext: fc.integer({ min: 256, max: 200_000 }),
    bytesPerToken: fc.integer({ min: 0, max: 1_000_000 }),
    bytesPerSequence: fc.integer({ min: 1, max: 10_000_000 }),
    contextSize: fc.constantFrom(0, 100, 256, 2048),
    maxSequences: fc.integer({ min: 0, max: 256 }),
    kvCacheMemory: fc.constantFrom(0, 2 ** 24, 2 ** 30),
    availableMemory: fc.integer({ min: 2 ** 20, max: 2 ** 36 }),
    isOffloaded: fc.constant(false),
  });
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        const plan = planCapacity(input);
        assert.ok(plan.kvCacheBytes <= (input.kvCacheMemory || input.availableMemory));
        assert.ok(plan.kvCacheBytes <= input.availableMemory);
        assert.ok(plan.contextPerSequence >= 1 && plan.contextPerSequence <= input.trainingContext);
        assert.ok(plan.sequences >= 1 && plan.sequences <= 256);
      } catch (error) {
        assert.ok(error instanceof LlamaError, String(error));
      }
    }),
  );
});
