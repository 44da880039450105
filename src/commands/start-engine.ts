import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { DeferredEngine } from "../inference/deferred-engine.ts";
import { LocalEngine } from "../inference/local/engine.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/**
 * Finds the model, starts its engine, and lets `deferred` become it.
 * @throws Error that says why the model can't be served
 */
export async function startEngine(
  config: Config,
  deferred: DeferredEngine,
  metrics: Metrics,
  log: Logger,
): Promise<void> {
  const path = config.modelName ?? "builtin";
  const engine = new LocalEngine({
    engine: {
      libraryDirectory: config.llamaLibraryDir,
      modelPath: path,
      contextSize: config.contextSize,
      maxSequences: config.maxSequences,
      kvCacheMemory: config.kvCacheMemory,
      kvCacheType: config.kvCacheType,
      threads: config.threads,
      batchSize: config.batchSize,
      stepTargetMs: config.stepTargetMs,
      gpuLayers: config.gpuLayers,
      speculation: config.speculation === "auto",
    },
    model: { name: path, source: path },
    maxQueue: config.maxQueue,
    queueTimeoutMs: config.queueTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    hangTimeoutMs: config.watchdogTimeoutMs,
    log,
  });
  deferred.become(engine);
  await engine.start();
  metrics.modelLoaded(engine.describe().loadMs);
}
