import { join } from "node:path";
import type { Logger } from "pino";
import { renderPrefixes } from "../assistant/template/prefix-prompts.ts";
import { templateProblem } from "../assistant/template/template.ts";
import type { Config } from "../config/config.ts";
import type { PrefixFile } from "../config/prefix-file.ts";
import type { DeferredEngine } from "../inference/deferred-engine.ts";
import { LocalEngine } from "../inference/generation/engine.ts";
import type { EngineOptions } from "../inference/generation/protocol.ts";
import { progressDisplay } from "../models/progress-bar.ts";
import { resolveModel } from "../models/resolve.ts";
import type { ModelSource, ResolvedModel } from "../models/resolved-model.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { resolveOptions } from "./resolve-options.ts";

/**
 * Finds the model, downloading and converting it where needed, starts its engine, and lets `deferred` become it.
 * @throws Error that says why the model can't be served
 */
export async function startEngine(
  config: Config,
  deferred: DeferredEngine,
  metrics: Metrics,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const model = await findModel(config, deferred, log, signal);
  const engine = createEngine(config, model, log, config.pinnedPrefixes);
  deferred.become(engine);
  await engine.start();
  metrics.modelLoaded(engine.describe().loadMs);
  const problem = templateProblem(engine.describe());
  if (problem !== undefined)
    log.warn(
      `the model's chat template can't be read, so conversations become plain transcripts: ${problem}`,
    );
  log.info({ model: model.name, source: describeSource(model.source) }, "ready");
}

async function findModel(
  config: Config,
  deferred: DeferredEngine,
  log: Logger,
  signal: AbortSignal,
): Promise<ResolvedModel> {
  const display = progressDisplay({ stream: process.stderr, log: (line) => log.info(line) });
  try {
    const model = await resolveModel(config.modelName, {
      ...resolveOptions(config),
      signal,
      onProgress: (progress) => {
        display.onProgress(progress);
        deferred.progressed(
          progress.phase,
          progress.bytesTotal > 0 ? progress.bytesDone / progress.bytesTotal : 0,
        );
      },
    });
    if (model.notice !== undefined) log.warn(model.notice);
    return model;
  } finally {
    display.stop();
  }
}

/** An engine for `model` by the configuration, not started; it keeps `prefixes` in its cache for good. */
export function createEngine(
  config: Config,
  model: ResolvedModel,
  log: Logger,
  prefixes: PrefixFile = [],
): LocalEngine {
  return new LocalEngine({
    engine: engineOptions(config, model.path),
    model: { name: model.name, source: describeSource(model.source) },
    maxQueue: config.maxQueue,
    queueTimeoutMs: config.queueTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    hangTimeoutMs: config.watchdogTimeoutMs,
    prefixes: (description) => renderPrefixes(prefixes, description),
    log,
  });
}

function engineOptions(config: Config, modelPath: string): EngineOptions {
  return {
    libraryDirectory: config.llamaLibraryDir,
    modelPath,
    contextSize: config.contextSize,
    maxSequences: config.maxSequences,
    kvCacheMemory: config.kvCacheMemory,
    kvCacheType: config.kvCacheType,
    kvLayout: config.kvLayout,
    threads: config.threads,
    batchSize: config.batchSize,
    stepTargetMs: config.stepTargetMs,
    streamIntervalMs: config.streamIntervalMs,
    gpuLayers: config.gpuLayers,
    speculation: config.speculation === "auto",
    prefixDirectory: join(config.dataDir, "prefixes"),
  };
}

function describeSource(source: ModelSource): string {
  switch (source.kind) {
    case "builtin":
    case "file":
      return source.kind;
    case "hub":
      return `hub: ${source.repository}@${source.revision} ${source.file}`;
    case "converted":
      return `hub: ${source.repository}@${source.revision}, converted to ${source.quantization}`;
  }
}
