import { join } from "node:path";
import type { Logger } from "pino";
import { rehearsalRequests } from "../assistant/rehearsal.ts";
import { renderPrefixes } from "../assistant/template/prefix-prompts.ts";
import type { Config } from "../config/config.ts";
import type { PrefixFile } from "../config/prefix-file.ts";
import { LocalEngine } from "../inference/generation/engine.ts";
import type { EngineOptions } from "../inference/generation/protocol.ts";
import type { ModelSource, ResolvedModel } from "../models/resolved-model.ts";
import { monotonicMs } from "../platform/clock.ts";
import type { EnergyAccount } from "../telemetry/energy/energy-account.ts";
import type { FlightRecorder } from "../telemetry/steps/flight-recorder.ts";
import type { StepRing } from "../telemetry/steps/step-ring.ts";

export interface CreateEngineOptions {
  /** Kept in its cache permanently. */
  readonly prefixes?: PrefixFile;
  /** Changes what the model computes. */
  readonly adapter?: EngineOptions["adapter"];
  /** Path of the model that guesses. */
  readonly draftPath?: string | undefined;
  /** Where its steps are kept, and the last ones before a crash. */
  readonly steps?: StepRing;
  readonly flights?: FlightRecorder;
  /** Where their energy is counted. */
  readonly energy?: EnergyAccount | undefined;
}

/** An engine for `model` by the configuration, not started. */
export function createEngine(
  config: Config,
  model: ResolvedModel,
  log: Logger,
  { prefixes = [], adapter, draftPath, steps, flights, energy }: CreateEngineOptions = {},
): LocalEngine {
  return new LocalEngine({
    engine: { ...engineOptions(config, model.path), adapter, draftPath },
    model: { name: model.name, source: describeSource(model.source) },
    maxQueue: config.maxQueue,
    queueTimeoutMs: config.queueTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    hangTimeoutMs: config.watchdogTimeoutMs,
    sleepAfterMs: config.sleepAfterMs || undefined,
    rehearsal: rehearsalRequests,
    prefixes: (description) => renderPrefixes(prefixes, description),
    ...(steps !== undefined && {
      onSteps: (records, threads, requestOf) => {
        energy?.stepped(records, requestOf, monotonicMs());
        for (const record of records) steps.add(model.name, record, threads, requestOf);
      },
    }),
    onCrash: (reason) => flights?.crashed(model.name, reason),
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
    flashAttention: config.flashAttention,
    threads: config.threads,
    batchSize: config.batchSize,
    stepTargetMs: config.stepTargetMs,
    streamIntervalMs: config.streamIntervalMs,
    gpuLayers: config.gpuLayers,
    speculation: config.speculation === "auto",
    kvHostMemory: config.kvHostMemory,
    kvDisk: config.kvDisk,
    kvDirectory: join(config.dataDir, "kv"),
    prefixDirectory: join(config.dataDir, "prefixes"),
  };
}

export function describeSource(source: ModelSource): string {
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
