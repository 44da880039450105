import type {
  Engine,
  FinishReason,
  GenerationContext,
  GenerationRequest,
  GenerationTimings,
  Usage,
} from "../inference/engine.ts";

/** A finished generation. */
export interface Completion {
  readonly text: string;
  readonly finishReason: FinishReason;
  /** An earlier answer to the same request. */
  readonly cached?: true;
  readonly usage: Usage;
  readonly timings: GenerationTimings;
}

/** Runs a generation to its end: its text piece by piece, then what came of it. */
export async function* completing(
  engine: Engine,
  request: GenerationRequest,
  context: GenerationContext,
): AsyncGenerator<string, Completion> {
  let text = "";
  for await (const event of engine.generate(request, context)) {
    if (event.type === "text") {
      text += event.text;
      yield event.text;
    } else if (event.type === "done") {
      const { finishReason, cached, usage, timings } = event;
      return { text, finishReason, ...(cached && { cached }), usage, timings };
    }
  }
  throw new Error("the engine ended a generation without saying how");
}

/** Runs a generation to its end. */
export async function complete(
  engine: Engine,
  request: GenerationRequest,
  context: GenerationContext,
): Promise<Completion> {
  return drain(completing(engine, request, context));
}

/** What a generator returns, whatever it yields before. */
export async function drain<T>(generator: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = await generator.next();
    if (done === true) return value as T;
  }
}

export function totalMs(timings: GenerationTimings): number {
  return timings.queueMs + timings.prefillMs + timings.decodeMs;
}
