import type {
  Engine,
  EngineLoad,
  EngineState,
  GenerateOptions,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "../inference/engine.ts";
import type { Metrics } from "./metrics.ts";

/** An engine whose every generation is counted, whichever feature asked for it. */
export class ObservedEngine implements Engine {
  readonly #engine: Engine;
  readonly #metrics: Metrics;

  constructor(engine: Engine, metrics: Metrics) {
    this.#engine = engine;
    this.#metrics = metrics;
    metrics.watch(engine);
  }

  get state(): EngineState {
    return this.#engine.state;
  }

  get load(): EngineLoad {
    return this.#engine.load;
  }

  describe(): ModelDescription {
    return this.#engine.describe();
  }

  async *generate(request: GenerationRequest, options?: GenerateOptions): AsyncIterable<GenerationEvent> {
    for await (const event of this.#engine.generate(request, options)) {
      if (event.type === "done")
        this.#metrics.generationFinished(event.finishReason, event.usage, event.timings);
      yield event;
    }
  }

  tokenize(prompt: Prompt): Promise<number[]> {
    return this.#engine.tokenize(prompt);
  }

  detokenize(tokens: readonly number[]): Promise<string> {
    return this.#engine.detokenize(tokens);
  }

  close(timeoutMs: number): Promise<void> {
    return this.#engine.close(timeoutMs);
  }
}
