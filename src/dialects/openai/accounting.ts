import { type Static, Type } from "typebox";
import type { GenerationTimings, Usage } from "../../inference/engine.ts";
import { identityDigest, type ModelIdentity } from "../../inference/model-identity.ts";
import { type Timings, timings } from "../../telemetry/timings.ts";

export const UsageSchema = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({ cached_tokens: Type.Integer(), audio_tokens: Type.Integer() }),
  completion_tokens_details: Type.Object({
    reasoning_tokens: Type.Integer(),
    audio_tokens: Type.Integer(),
    accepted_prediction_tokens: Type.Integer(),
    rejected_prediction_tokens: Type.Integer(),
  }),
});
export type OpenAiUsage = Static<typeof UsageSchema>;

/** What one generation used. */
export interface Pass {
  readonly usage: Usage;
  readonly timings: GenerationTimings;
  readonly cached?: true;
}

/** Extra field of answers that were not computed for their request: every choice of them came from the cache. */
export const CachedField = {
  cached: Type.Optional(
    Type.Boolean({ description: "Extra: an earlier answer to the same request (`RESPONSE_CACHE_TTL`)." }),
  ),
};

export function cachedField(passes: readonly Pass[]): { readonly cached?: true } {
  return passes.length > 0 && passes.every(({ cached }) => cached === true) ? { cached: true } : {};
}

/**
 * Usage of one request: each prompt counts once, however many answers it got, and every answer counts.
 * Shape: one list of passes a prompt.
 */
export function toUsage(passesByPrompt: ReadonlyArray<readonly Pass[]>): OpenAiUsage {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const promptTokens = sum(passesByPrompt.map((passes) => passes[0]?.usage.promptTokens ?? 0));
  const completionTokens = sum(passesByPrompt.flat().map(({ usage }) => usage.completionTokens));
  // Answers to one prompt share its prefill; what was cached before the request is what the least lucky of them found.
  const cached = passesByPrompt.map((passes) =>
    passes.length === 0 ? 0 : Math.min(...passes.map(({ usage }) => usage.cachedPromptTokens)),
  );
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: sum(cached), audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: sum(passesByPrompt.flat().map(({ usage }) => usage.reasoningTokens)),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** Where the time of the slowest answer went; answers of one request run side by side. */
export function toTimings(passes: readonly Pass[]): Timings {
  const total = ({ timings }: Pass) => timings.queueMs + timings.prefillMs + timings.decodeMs;
  const slowest = passes.toSorted((a, b) => total(b) - total(a))[0];
  return timings(slowest === undefined ? [] : [slowest]);
}

/** Changes when the model's weights, the engine or how it is set up do: then the same seed may draw another text. */
export function systemFingerprint(model: ModelIdentity): string {
  return `fp_${identityDigest(model).slice(0, 10)}`;
}
