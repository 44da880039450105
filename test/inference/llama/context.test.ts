import assert from "node:assert/strict";
import { test } from "node:test";
import { loadLlama } from "../../../src/inference/llama/bindings.ts";
import { LlamaContext } from "../../../src/inference/llama/context.ts";
import { LlamaModel } from "../../../src/inference/llama/model.ts";
import { allowedCpus } from "../../../src/inference/machine/cpu-affinity.ts";
import { TEST_MODEL } from "../../support/model.ts";

const llama = loadLlama();
const model = LlamaModel.load(llama, { path: TEST_MODEL, gpuLayers: 0 });

for (const kvLayout of ["separate", "shared"] as const) {
  test(`a ${kvLayout} sequence holds what it was copied from, also where that is nothing`, () => {
    const context = new LlamaContext(llama, model, {
      sequences: 3,
      contextPerSequence: 64,
      batchSize: 32,
      maxOutputs: 4,
      threads: 1,
      cpus: [],
      kvCacheType: "f16",
      kvLayout,
      onLog: () => {},
    });
    const compute = (sequence: number, from: number, upTo: number) => {
      context.batch.clear();
      for (let position = from; position < upTo; position++)
        context.batch.add(10 + position, position, sequence, position === upTo - 1);
      context.decode();
    };
    compute(1, 0, 5);
    context.copy(1, 2);
    assert.equal(context.length(2), 5);
    context.copy(0, 1);
    assert.equal(context.length(1), 0);
    // llama.cpp refuses positions that do not follow what is there.
    compute(1, 0, 3);
    compute(2, 5, 6);
    assert.deepEqual(
      [0, 1, 2].map((sequence) => context.length(sequence)),
      [0, 3, 6],
    );
  });
}

test("placing compute threads does not change what the process is known to have", () => {
  const cpus = [...allowedCpus()];
  const context = new LlamaContext(llama, model, {
    sequences: 1,
    contextPerSequence: 64,
    batchSize: 32,
    maxOutputs: 1,
    threads: Math.max(1, cpus.length),
    cpus,
    kvCacheType: "f16",
    kvLayout: "separate",
    onLog: () => {},
  });
  context.batch.clear();
  context.batch.add(10, 0, 0, true);
  context.decode();
  assert.deepEqual(allowedCpus(), cpus);
});
