import type { Engine, GenerationContext, GenerationEvent, GenerationRequest } from "./engine.ts";
import { EngineDecorator } from "./engine-decorator.ts";

/** An engine whose generations go another way; everything else is the engine's own. */
export class EngineView extends EngineDecorator {
  readonly #generate: Engine["generate"];

  constructor(engine: Engine, generate: Engine["generate"]) {
    super(engine);
    this.#generate = generate;
  }

  generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent> {
    return this.#generate(request, context);
  }
}
