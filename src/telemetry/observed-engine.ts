import type { Engine, GenerationContext, GenerationEvent, GenerationRequest } from "../inference/engine.ts";
import { EngineDecorator } from "../inference/engine-decorator.ts";
import type { Metrics } from "./metrics.ts";

/** An engine whose every generation is counted, whichever feature asked for it. */
export class ObservedEngine extends EngineDecorator {
  readonly #metrics: Metrics;

  constructor(engine: Engine, metrics: Metrics) {
    super(engine);
    this.#metrics = metrics;
  }

  async *generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent> {
    for await (const event of this.inner.generate(request, context)) {
      if (event.type === "done") {
        const { finishReason, usage, timings } = event;
        this.#metrics.generationFinished(this.inner.describe().name, finishReason, usage, timings);
      }
      yield event;
    }
  }
}
