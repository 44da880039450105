import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { GenerationRequest, ScoredToken, Usage } from "../../src/inference/engine.ts";
import { EngineCore } from "../../src/inference/generation/core.ts";
import { openModel } from "../../src/inference/generation/open-model.ts";
import type { StepReport } from "../../src/inference/scheduler/report.ts";
import { type Clock, monotonicMs } from "../../src/platform/clock.ts";
import { TEST_MODEL } from "./model.ts";

export interface Generated {
  readonly text: string;
  readonly finishReason: string;
  readonly stopText: string | undefined;
  readonly usage: Usage;
  readonly tokens: readonly ScoredToken[];
  readonly promptTokens: readonly ScoredToken[];
}

/** The engine process's inside, in this process: the real model and scheduler, driven step by step. */
export class InProcessEngine {
  readonly core: EngineCore;
  /** Of the requests to come. */
  cacheScope = "";
  /** Of the KV cache, now. */
  layout = "separate";
  #nextId = 1;

  constructor(
    options: {
      readonly modelPath?: string;
      readonly sequences?: number;
      readonly contextSize?: number;
      readonly prefixDirectory?: string;
      readonly kvLayout?: "auto" | "separate" | "shared";
      readonly flashAttention?: "auto" | "on" | "off";
      readonly speculation?: boolean;
      readonly draftPath?: string;
      readonly clock?: Clock;
      readonly kvHostMemory?: number;
      readonly kvDisk?: number;
      readonly kvDirectory?: string;
    } = {},
  ) {
    const reports = {
      onProgress: () => {},
      onLog: () => {},
      onLayoutChanged: ({ layout }: { readonly layout: string }) => {
        this.layout = layout;
      },
    };
    const engineOptions = {
      libraryDirectory: undefined,
      modelPath: options.modelPath ?? TEST_MODEL,
      contextSize: options.contextSize ?? 512,
      maxSequences: options.sequences ?? 8,
      kvCacheMemory: 64 * 2 ** 20,
      kvHostMemory: options.kvHostMemory ?? 0,
      kvDisk: options.kvDisk ?? 0,
      kvDirectory: options.kvDirectory ?? join(tmpdir(), "unused"),
      kvCacheType: "f16",
      kvLayout: options.kvLayout ?? "separate",
      flashAttention: options.flashAttention ?? "auto",
      threads: 1,
      batchSize: 256,
      stepTargetMs: 100,
      streamIntervalMs: 0,
      gpuLayers: 0,
      speculation: options.speculation ?? false,
      draftPath: options.draftPath,
      prefixDirectory: options.prefixDirectory ?? tmpdir(),
    } as const;
    const { clock = monotonicMs } = options;
    const open = openModel(engineOptions, clock, reports);
    this.core = new EngineCore(engineOptions, open, clock, reports);
  }

  /** Runs all requests to their ends, side by side. */
  async run(requests: readonly GenerationRequest[]): Promise<Generated[]> {
    const collection = new Collection();
    const ids = await Promise.all(requests.map((request) => this.#start(request)));
    while (!ids.every((id) => collection.hasEnded(id))) {
      collection.add(this.core.step());
      // What goes on beside the steps gets its turn, as in the process.
      await setImmediate();
    }
    this.core.scheduler.checkIntegrity();
    return ids.map((id) => collection.of(id));
  }

  /** Starts a request and cancels it after some steps. */
  async cancelled(request: GenerationRequest, steps: number): Promise<void> {
    const id = await this.#start(request);
    for (let step = 0; step < steps; step++) this.core.step();
    this.core.cancel(id);
    while (this.core.scheduler.hasWork) this.core.step();
    this.core.scheduler.checkIntegrity();
  }

  /** Starts `second` when `first` has run for some steps, and runs both to their ends. */
  async joined(
    first: GenerationRequest,
    steps: number,
    second: GenerationRequest,
  ): Promise<readonly Generated[]> {
    const collection = new Collection();
    const ids = [await this.#start(first)];
    for (let step = 0; step < steps; step++) collection.add(this.core.step());
    ids.push(await this.#start(second));
    while (!ids.every((id) => collection.hasEnded(id))) collection.add(this.core.step());
    this.core.scheduler.checkIntegrity();
    return ids.map((id) => collection.of(id));
  }

  free(): void {
    this.core.free();
  }

  async #start(request: GenerationRequest): Promise<number> {
    const id = this.#nextId++;
    await this.core.generate(id, request, {
      lane: "interactive",
      cacheScope: this.cacheScope,
      arrivedAt: monotonicMs(),
    });
    return id;
  }
}

/** What steps gave out, by request. */
class Collection {
  readonly #texts = new Map<number, string>();
  readonly #tokens = new Map<number, ScoredToken[]>();
  readonly #prompts = new Map<number, readonly ScoredToken[]>();
  readonly #results = new Map<number, Generated>();

  hasEnded(id: number): boolean {
    return this.#results.has(id);
  }

  of(id: number): Generated {
    const result = this.#results.get(id);
    if (result === undefined) throw new Error(`request ${id} has not ended`);
    return result;
  }

  add(report: StepReport | undefined): void {
    for (const output of report?.outputs ?? []) {
      const { id, done, error } = output;
      if (error !== undefined) throw error;
      this.#texts.set(id, (this.#texts.get(id) ?? "") + output.text);
      this.#tokens.set(id, [...(this.#tokens.get(id) ?? []), ...(output.tokens ?? [])]);
      if (output.promptTokens !== undefined) this.#prompts.set(id, output.promptTokens);
      if (done === undefined) continue;
      this.#results.set(id, {
        text: this.#texts.get(id) ?? "",
        finishReason: done.finishReason,
        stopText: done.stopText,
        usage: done.usage,
        tokens: this.#tokens.get(id) ?? [],
        promptTokens: this.#prompts.get(id) ?? [],
      });
    }
  }
}

/** A request that continues `text`. */
export function continuing(text: string, rest: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    prompt: { parts: [{ type: "text", text, parseSpecial: false }], addBos: true },
    maxTokens: 40,
    sampling: { temperature: 0, seed: 1 },
    stop: [],
    ...rest,
  };
}
