import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { LocalEngine } from "../../src/inference/generation/engine.ts";
import { TEST_MODEL } from "./model.ts";

/** A ready engine in a process of its own, for what features do with the port; close it when the tests are over. */
export async function startLocalEngine(
  options: { readonly modelPath?: string; readonly contextSize?: number } = {},
): Promise<LocalEngine> {
  const engine = new LocalEngine({
    engine: {
      libraryDirectory: undefined,
      modelPath: options.modelPath ?? TEST_MODEL,
      contextSize: options.contextSize ?? 512,
      maxSequences: 8,
      kvCacheMemory: 64 * 2 ** 20,
      kvHostMemory: 0,
      kvDisk: 0,
      kvDirectory: join(tmpdir(), "unused"),
      kvCacheType: "f16",
      kvLayout: "separate",
      flashAttention: "auto",
      threads: 1,
      batchSize: 256,
      stepTargetMs: 100,
      streamIntervalMs: 0,
      gpuLayers: 0,
      speculation: false,
      prefixDirectory: tmpdir(),
    },
    model: { name: "test", source: "file" },
    maxQueue: 64,
    queueTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    hangTimeoutMs: 60_000,
    log: pino({ level: "silent" }),
  });
  await engine.start();
  return engine;
}
