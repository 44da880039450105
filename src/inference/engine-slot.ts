import type { CacheView } from "./cache-report.ts";
import type {
  Engine,
  EngineState,
  EngineStats,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "./engine.ts";
import { unavailable } from "./unavailable.ts";

const noStats: EngineStats = {
  queueDepth: 0,
  runningSequences: 0,
  kvCacheUsage: 0,
  prefixCacheHitTokens: 0,
  restarts: 0,
  threads: 0,
  stepMs: 0,
  computeMs: 0,
  decodeSteps: 0,
  decodePasses: 0,
  sharedKvCaches: 0,
  kvLayoutChanges: 0,
};

/** Engines taken together: their requests and counters add up, the fullest cache is the cache's usage. */
export function addStats(all: readonly EngineStats[]): EngineStats {
  const sum = (of: (stats: EngineStats) => number) => all.reduce((total, stats) => total + of(stats), 0);
  return {
    queueDepth: sum(({ queueDepth }) => queueDepth),
    runningSequences: sum(({ runningSequences }) => runningSequences),
    kvCacheUsage: Math.max(0, ...all.map(({ kvCacheUsage }) => kvCacheUsage)),
    prefixCacheHitTokens: sum(({ prefixCacheHitTokens }) => prefixCacheHitTokens),
    restarts: sum(({ restarts }) => restarts),
    threads: sum(({ threads }) => threads),
    stepMs: sum(({ stepMs }) => stepMs),
    computeMs: sum(({ computeMs }) => computeMs),
    decodeSteps: sum(({ decodeSteps }) => decodeSteps),
    decodePasses: sum(({ decodePasses }) => decodePasses),
    sharedKvCaches: sum(({ sharedKvCaches }) => sharedKvCaches),
    kvLayoutChanges: sum(({ kvLayoutChanges }) => kvLayoutChanges),
  };
}

/**
 * The place of one model's engine, which is empty until the model is loaded and again once it is unloaded. What stands
 * before it (routes, metrics, caches) stays, whichever engine is in it.
 */
export class EngineSlot implements Engine {
  #engine: Engine | undefined;
  #state: EngineState = { status: "unloaded" };
  /** What engines that are gone had counted. */
  #counted = noStats;

  /** From now on `engine` answers. */
  fill(engine: Engine): void {
    this.#engine = engine;
  }

  /** Reports how far the preparation of the next engine is: its phase, and 0 to 1. */
  progressed(phase: string, progress: number): void {
    this.#state = { status: "preparing", phase, progress };
  }

  failed(message: string): void {
    this.#engine = undefined;
    this.#state = { status: "failed", message };
  }

  /** Ends the engine, whose running requests get `timeoutMs`; another one may follow. */
  async empty(timeoutMs: number): Promise<void> {
    await this.#engine?.close(timeoutMs);
    // What it was doing has ended, what it counted has not.
    const idle = { queueDepth: 0, runningSequences: 0, kvCacheUsage: 0, threads: 0, sharedKvCaches: 0 };
    this.#counted = { ...this.stats, ...idle };
    this.#engine = undefined;
    this.#state = { status: "unloaded" };
  }

  get state(): EngineState {
    return this.#engine?.state ?? this.#state;
  }

  get stats(): EngineStats {
    if (this.#engine === undefined) return this.#counted;
    return addStats([this.#counted, this.#engine.stats]);
  }

  describe(): ModelDescription {
    return this.#required().describe();
  }

  generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent> {
    return this.#required().generate(request, context);
  }

  tokenize(prompt: Prompt, signal?: AbortSignal): Promise<number[]> {
    return this.#required().tokenize(prompt, signal);
  }

  detokenize(tokens: readonly number[], signal?: AbortSignal): Promise<string> {
    return this.#required().detokenize(tokens, signal);
  }

  async viewCache(): Promise<CacheView> {
    return this.#required().viewCache();
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#engine === undefined) this.#state = { status: "stopped" };
    else await this.#engine.close(timeoutMs);
  }

  #required(): Engine {
    if (this.#engine !== undefined) return this.#engine;
    throw unavailable(this.#state);
  }
}
