import { type Static, Type } from "typebox";
import type { GenerationProgress } from "../../inference/engine.ts";
import { OrNull } from "../../platform/schema/nullable.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { round } from "../../telemetry/timings.ts";

export const ProgressRequestField = {
  return_progress: OrNull(
    Type.Boolean({
      default: false,
      description: "Extra: stream the place in the queue, and how far the prompt is, before the first text.",
    }),
  ),
};

/** llama-server's `prompt_progress`, and of the queue what it has no name for. */
export const ProgressFields = {
  queue_progress: Type.Optional(
    Type.Object({
      ahead: Type.Integer({ description: "Requests that are before it in the queue." }),
      expected_ms: Type.Union([Type.Number(), Type.Null()], {
        description: "Until it starts, by how fast requests end now; null while too few have.",
      }),
    }),
  ),
  prompt_progress: Type.Optional(
    Type.Object({
      total: Type.Integer({ description: "Tokens of the prompt." }),
      cache: Type.Integer({ description: "Of these, taken from the cache." }),
      processed: Type.Integer({ description: "Tokens that are done, cached ones among them." }),
      time_ms: Type.Number({ description: "Since the prompt was begun." }),
    }),
  ),
};
type ProgressFields = Partial<{
  [Name in keyof typeof ProgressFields]: Static<(typeof ProgressFields)[Name]>;
}>;

/** A context whose generations report their progress, where the body asks for it. */
export function reporting(
  { return_progress: isWanted }: { readonly return_progress?: boolean | null },
  context: RequestContext,
): RequestContext {
  return isWanted === true ? { ...context, reportsProgress: true } : context;
}

export function progressFields(progress: GenerationProgress): ProgressFields {
  if (progress.phase === "queue") {
    const { ahead, expectedMs } = progress;
    return { queue_progress: { ahead, expected_ms: expectedMs === undefined ? null : round(expectedMs, 1) } };
  }
  const { promptTokens: total, cachedPromptTokens: cache, processedTokens: processed, elapsedMs } = progress;
  return { prompt_progress: { total, cache, processed, time_ms: round(elapsedMs, 1) } };
}
