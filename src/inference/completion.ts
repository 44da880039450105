import type {
  Engine,
  FinishReason,
  GenerateOptions,
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

/** Runs a generation to its end, handing each piece of text to `onText` as it comes. */
export async function complete(
  engine: Engine,
  request: GenerationRequest,
  options: GenerateOptions,
  onText: (text: string) => Promise<void> | void = () => {},
): Promise<Completion> {
  let text = "";
  for await (const event of engine.generate(request, options)) {
    if (event.type === "text") {
      text += event.text;
      await onText(event.text);
    } else if (event.type === "done") {
      const { finishReason, cached, usage, timings } = event;
      return { text, finishReason, ...(cached && { cached }), usage, timings };
    }
  }
  throw new Error("the engine ended a generation without saying how");
}

export function totalMs(timings: GenerationTimings): number {
  return timings.queueMs + timings.prefillMs + timings.decodeMs;
}
