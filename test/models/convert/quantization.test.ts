import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { loadQuantizer } from "../../../src/inference/llama/quantize.ts";

test("the library is loaded once, whatever the garbage collector does between two conversions", async () => {
  // Loaded a second time, libggml-base ends its process: seen only in a process of its own.
  const module = (path: string) => JSON.stringify(import.meta.resolve(path));
  const script = `
    import { setImmediate } from "node:timers/promises";
    const { loadQuantizer } = await import(${module("../../../src/inference/llama/quantize.ts")});
    const { loadLlama } = await import(${module("../../../src/inference/llama/bindings.ts")});
    for (let time = 0; time < 5; time++) {
      loadQuantizer();
      await setImmediate();
      gc();
      await setImmediate();
    }
    loadLlama();
    console.log("fine");
  `;
  const args = ["--expose-gc", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  assert.equal(stdout, "fine\n");
});

test("buffers too small for a call are refused before native code sees them", async () => {
  const quantizer = loadQuantizer();
  const bytes = (count: number) => new Uint8Array(count);
  await assert.rejects(quantizer.fromFloat32("Q8_0", bytes(128), bytes(33), 1, 32), RangeError);
  await assert.rejects(quantizer.fromFloat32("Q8_0", bytes(127), bytes(34), 1, 32), RangeError);
  await assert.rejects(quantizer.fromFloat32("Q4_0", bytes(160), bytes(34), 1, 40), /whole blocks/);
  await assert.rejects(quantizer.toFloat32("F16", bytes(4), bytes(4), 2), RangeError);
});
