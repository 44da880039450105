import { tmpdir } from "node:os";
import type { GenerationRequest, ScoredToken, Usage } from "../../src/inference/engine.ts";
import { EngineHost } from "../../src/inference/generation/core.ts";
import { monotonicMs } from "../../src/platform/clock.ts";
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
  readonly host: EngineHost;
  #nextId = 1;

  constructor(
    options: {
      readonly modelPath?: string;
      readonly sequences?: number;
      readonly contextSize?: number;
      readonly prefixDirectory?: string;
    } = {},
  ) {
    this.host = new EngineHost(
      {
        libraryDirectory: undefined,
        modelPath: options.modelPath ?? TEST_MODEL,
        contextSize: options.contextSize ?? 512,
        maxSequences: options.sequences ?? 8,
        kvCacheMemory: 64 * 2 ** 20,
        kvCacheType: "f16",
        kvLayout: "separate",
        threads: 1,
        batchSize: 256,
        stepTargetMs: 100,
        streamIntervalMs: 0,
        gpuLayers: 0,
        speculation: false,
        prefixDirectory: options.prefixDirectory ?? tmpdir(),
      },
      monotonicMs,
      () => {},
      () => {},
    );
  }

  /** Runs all requests to their ends, side by side. */
  async run(requests: readonly GenerationRequest[]): Promise<Generated[]> {
    const ids = requests.map(() => this.#nextId++);
    await Promise.all(
      requests.map((request, index) =>
        this.host.generate(ids[index] as number, request, {
          lane: "interactive",
          arrivedAt: monotonicMs(),
        }),
      ),
    );
    const texts = new Map<number, string>();
    const tokens = new Map<number, ScoredToken[]>();
    const prompts = new Map<number, readonly ScoredToken[]>();
    const results = new Map<number, Generated>();
    while (results.size < ids.length) {
      for (const output of this.host.step()?.outputs ?? []) {
        const { id, done, error } = output;
        if (error !== undefined) throw error;
        texts.set(id, (texts.get(id) ?? "") + output.text);
        tokens.set(id, [...(tokens.get(id) ?? []), ...(output.tokens ?? [])]);
        if (output.promptTokens !== undefined) prompts.set(id, output.promptTokens);
        if (done === undefined) continue;
        results.set(id, {
          text: texts.get(id) ?? "",
          finishReason: done.finishReason,
          stopText: done.stopText,
          usage: done.usage,
          tokens: tokens.get(id) ?? [],
          promptTokens: prompts.get(id) ?? [],
        });
      }
    }
    return ids.map((id) => results.get(id) as Generated);
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
