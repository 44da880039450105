import { totalmem } from "node:os";
import type { Logger } from "pino";
import type { ConstraintCompiler } from "../assistant/constraint-compiler.ts";
import { templateProblem } from "../assistant/template/template.ts";
import type { Config } from "../config/config.ts";
import type { ModelEntry, ModelsFile } from "../config/models-file.ts";
import type { Engine } from "../inference/engine.ts";
import { addStats } from "../inference/engine-slot.ts";
import { modelBytes } from "../inference/generation/model-file.ts";
import { availableMemory } from "../inference/machine/memory.ts";
import { monotonicMs } from "../platform/clock.ts";
import { parseDuration } from "../platform/duration.ts";
import type { MemoryMeter, ModelPolicy } from "../serving/pooled-model.ts";
import { type FoundModel, ServedModel } from "../serving/served-model.ts";
import { ServedModels } from "../serving/served-models.ts";
import type { EnergyAccount } from "../telemetry/energy/energy-account.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { FlightRecorder } from "../telemetry/steps/flight-recorder.ts";
import type { StepRing } from "../telemetry/steps/step-ring.ts";
import type { WatchedModel } from "../telemetry/vllm-metrics.ts";
import { createEngine } from "./create-engine.ts";
import { findModel } from "./find-model.ts";

/** Of an engine's process beside weights and KV cache: Node, and the buffers of a step. Replaced by what is measured. */
const PROCESS_BYTES = 192 * 2 ** 20;
/** Share of the models' memory that their KV caches divide among them where `KV_CACHE_MEMORY` doesn't say. */
const KV_SHARE = 0.25;
const DEFAULT_MAX_WAIT_MS = 30_000;
const DEFAULT_MAX_WAITING = 64;

interface Surroundings {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly steps: StepRing;
  readonly flights: FlightRecorder;
  /** Undefined where energy is not measured. */
  readonly energy: EnergyAccount | undefined;
  readonly constraints: ConstraintCompiler;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
  /** What comes before each engine. */
  readonly wrap: (engine: Engine) => Engine;
}

/** The models of `MODELS_FILE`, or the one of `MODEL_NAME`; none of them loaded. */
export function createModels(config: Config, surroundings: Surroundings): ServedModels {
  const { log, metrics, constraints, randomSeed, wrap } = surroundings;
  const file = config.modelsFile ?? onlyModel(config);
  const memory = config.modelsFile === undefined ? unlimited : memoryOf(config.modelsFile);
  const aliases = new Map([
    ...config.modelAliases,
    ...Object.entries(file.models).flatMap(([name, entry]) =>
      (entry.aliases ?? []).map((alias): [string, string] => [alias, name]),
    ),
  ]);
  const models = Object.entries(file.models).map(([name, entry], index) => {
    const find: Find =
      config.modelsFile === undefined
        ? findOnly(config, surroundings)
        : findListed(config, surroundings, file, name, memory);
    return new ServedModel({
      name,
      aliases,
      adapterOf: "base" in entry ? entry.base : undefined,
      policy: policyOf(entry, index === 0),
      find,
      onLoaded: (description) => {
        metrics.modelLoaded(description.loadMs);
        const problem = templateProblem(description);
        if (problem !== undefined)
          log.warn(
            `the model's chat template can't be read, so conversations become plain transcripts: ${problem}`,
          );
        log.info({ model: description.name, source: description.source }, "ready");
      },
      wrap,
      randomSeed,
      constraints,
    });
  });
  metrics.watch({
    get stats() {
      return addStats(models.map(({ engine }) => engine.stats));
    },
  });
  metrics.watchModels(() => models.filter(({ engine }) => engine.state.status === "ready").map(liveNumbers));
  return new ServedModels(
    {
      models,
      memory,
      maxWaitMs: file.max_wait_ms ?? DEFAULT_MAX_WAIT_MS,
      maxWaiting: file.max_waiting ?? DEFAULT_MAX_WAITING,
      clock: monotonicMs,
      log,
    },
    aliases,
  );
}

/** Under the name that the model's answers have. */
function liveNumbers({ engine }: ServedModel): WatchedModel {
  return { name: engine.describe().name, stats: engine.stats };
}

/** One model has the machine to itself, and its engine refuses what does not fit. */
const unlimited: MemoryMeter = { budget: Infinity, available: () => Infinity };

function onlyModel(config: Config): ModelsFile {
  return { models: { [config.modelName ?? "distilgpt2"]: { source: config.modelName ?? "" } } };
}

function memoryOf({ memory_budget: budget = "80%" }: ModelsFile): MemoryMeter {
  const total = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return {
    budget: typeof budget === "number" ? budget : Math.floor((total * Number.parseInt(budget, 10)) / 100),
    available: availableMemory,
  };
}

function policyOf(entry: ModelEntry, isDefault: boolean): ModelPolicy {
  const duration = (value: string | number | undefined, otherwise: number) =>
    (value === undefined ? undefined : parseDuration(value)) ?? otherwise;
  return {
    isPinned: isDefault || entry.pin === true,
    keepAliveMs: duration(entry.keep_alive, Infinity),
    minLoadedMs: duration(entry.min_loaded, 0),
    maySwap: entry.swap ?? true,
    priority: entry.priority ?? 0,
  };
}

/** 0: never. */
function sleepAfterMs({ sleep_after: after }: ModelEntry, config: Config): number {
  const ms = after === undefined ? config.sleepAfterMs : (parseDuration(after) ?? Infinity);
  return Number.isFinite(ms) ? ms : 0;
}

type Recording = Pick<Surroundings, "log" | "steps" | "flights" | "energy">;

type Find = (
  onProgress: (phase: string, progress: number) => void,
  signal: AbortSignal,
) => Promise<FoundModel>;

function findOnly(config: Config, { log, steps, flights, energy }: Recording): Find {
  return async (onProgress, signal) => {
    const search = { log, signal, onProgress };
    const model = await findModel(config.modelName, config, search);
    const draftPath = config.draftModel && (await findModel(config.draftModel, config, search)).path;
    return {
      estimatedBytes: modelBytes(model.path),
      createEngine: () =>
        createEngine(config, model, log, {
          prefixes: config.pinnedPrefixes,
          draftPath,
          steps,
          flights,
          energy,
        }),
    };
  };
}

/** An adapter's own file is small; its base's weights are mapped, and shared with every process that maps them. */
function findListed(
  config: Config,
  { log, steps, flights, energy }: Recording,
  file: ModelsFile,
  name: string,
  memory: MemoryMeter,
): Find {
  const entry = file.models[name] as ModelEntry;
  const base = "base" in entry ? file.models[entry.base] : entry;
  if (base === undefined || !("source" in base)) throw new Error(`${name} has no source`);
  const adapter = "base" in entry ? { path: entry.adapter, scale: entry.scale ?? 1 } : undefined;
  const kvCacheMemory =
    config.kvCacheMemory || Math.floor((memory.budget * KV_SHARE) / Object.keys(file.models).length);
  const settings: Config = {
    ...config,
    kvCacheMemory,
    contextSize: entry.context ?? config.contextSize,
    maxSequences: entry.sequences ?? config.maxSequences,
    sleepAfterMs: sleepAfterMs(entry, config),
  };
  return async (onProgress, signal) => {
    const search = { log, signal, onProgress };
    const model = await findModel(base.source, config, search);
    const draftPath = entry.draft && (await findModel(entry.draft, config, search)).path;
    const weightBytes = modelBytes(model.path) + (draftPath === undefined ? 0 : modelBytes(draftPath));
    return {
      estimatedBytes: weightBytes + kvCacheMemory + PROCESS_BYTES,
      adapter,
      createEngine: () =>
        createEngine(settings, { ...model, name }, log, {
          prefixes: config.pinnedPrefixes,
          draftPath,
          steps,
          flights,
          energy,
          ...(adapter !== undefined && { adapter }),
        }),
    };
  };
}
