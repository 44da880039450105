import type {
  Engine,
  EngineLoad,
  EngineState,
  GenerateOptions,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "./engine.ts";

/** An engine whose generations go another way; everything else is the engine's own. */
export class EngineView implements Engine {
  readonly #engine: Engine;
  readonly #generate: Engine["generate"];

  constructor(engine: Engine, generate: Engine["generate"]) {
    this.#engine = engine;
    this.#generate = generate;
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

  generate(request: GenerationRequest, options?: GenerateOptions): AsyncIterable<GenerationEvent> {
    return this.#generate(request, options);
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
