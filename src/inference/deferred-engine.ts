import type {
  Engine,
  EngineLoad,
  EngineState,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "./engine.ts";
import { unavailable } from "./unavailable.ts";

const noLoad: EngineLoad = {
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
};

/**
 * Stands in for an engine whose model is still being found, downloaded or converted, so that the server can answer
 * its health routes meanwhile; passes everything on once the engine is there.
 */
export class DeferredEngine implements Engine {
  #engine: Engine | undefined;
  #state: EngineState = { status: "preparing", phase: "resolving", progress: 0 };

  /** From now on `engine` answers. */
  become(engine: Engine): void {
    this.#engine = engine;
  }

  /** Tells how far the preparation is: its phase, and 0 to 1. */
  progressed(phase: string, progress: number): void {
    this.#state = { status: "preparing", phase, progress };
  }

  failed(message: string): void {
    this.#state = { status: "failed", message };
  }

  get state(): EngineState {
    return this.#engine?.state ?? this.#state;
  }

  get load(): EngineLoad {
    return this.#engine?.load ?? noLoad;
  }

  describe(): ModelDescription {
    return this.#required().describe();
  }

  generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent> {
    return this.#required().generate(request, context);
  }

  tokenize(prompt: Prompt): Promise<number[]> {
    return this.#required().tokenize(prompt);
  }

  detokenize(tokens: readonly number[]): Promise<string> {
    return this.#required().detokenize(tokens);
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
