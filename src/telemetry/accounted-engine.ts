import { ApiError } from "../errors.ts";
import type { Engine, GenerationContext, GenerationEvent, GenerationRequest } from "../inference/engine.ts";
import { EngineDecorator } from "../inference/engine-decorator.ts";
import { type Clock, monotonicMs } from "../platform/clock.ts";

/** Wraps an engine; reports each generation to the account of the request that it is for, whichever feature asked. */
export class AccountedEngine extends EngineDecorator {
  readonly #clock: Clock;

  constructor(engine: Engine, clock: Clock = monotonicMs) {
    super(engine);
    this.#clock = clock;
  }

  async *generate(
    request: GenerationRequest,
    context: GenerationContext = {},
  ): AsyncIterable<GenerationEvent> {
    const { arrivedAt = this.#clock() } = context;
    const generation = context.account?.began(request, arrivedAt, this.describe());
    // What may be computed again is compared token by token.
    const asked = request.reproducible === true ? { ...request, logprobs: request.logprobs ?? 0 } : request;
    for await (const event of this.inner.generate(asked, { ...context, arrivedAt })) {
      if (event.type === "started") generation?.started(event);
      if (event.type === "text") generation?.wrote(event.text, event.tokens ?? []);
      if (event.type === "done") {
        generation?.ended(event);
        // The client is still there: unlike one that left, it is told why it gets no more.
        const reason: unknown = context.signal?.reason;
        if (event.finishReason === "cancelled" && reason instanceof ApiError) throw reason;
      }
      yield event;
    }
  }
}
