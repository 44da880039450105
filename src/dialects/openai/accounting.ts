import { type Static, Type } from "typebox";
import type { GenerationTimings, Usage } from "../../inference/engine.ts";
import { identityDigest, type ModelIdentity } from "../../inference/model-identity.ts";
import { round, Timings, timings } from "../../telemetry/timings.ts";

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

/** This server's times, then the same under the names that llama-server has for them and proxies read. */
export const OpenAiTimings = Type.Object({
  ...Timings.properties,
  cache_n: Type.Integer({ description: "Prompt tokens taken from the cache." }),
  cached_from: Type.Optional(
    Type.String({ description: "Extra: where those were: `slot`, `memory` or `disk`." }),
  ),
  prompt_n: Type.Integer({ description: "Prompt tokens computed." }),
  prompt_ms: Type.Number(),
  prompt_per_token_ms: Type.Number(),
  prompt_per_second: Type.Number(),
  predicted_n: Type.Integer({ description: "Tokens generated." }),
  predicted_ms: Type.Number(),
  predicted_per_token_ms: Type.Number(),
  predicted_per_second: Type.Number(),
  draft_n: Type.Optional(Type.Integer({ description: "Tokens drafted by speculation." })),
  draft_n_accepted: Type.Optional(Type.Integer()),
});
export type OpenAiTimings = Static<typeof OpenAiTimings>;

/** Where the time of the slowest answer went; answers of one request run side by side. */
export function toTimings(passes: readonly Pass[]): OpenAiTimings {
  const total = ({ timings }: Pass) => timings.queueMs + timings.prefillMs + timings.decodeMs;
  const slowest = passes.toSorted((a, b) => total(b) - total(a))[0];
  return { ...timings(slowest === undefined ? [] : [slowest]), ...llamaServerTimings(slowest) };
}

function llamaServerTimings(pass: Pass | undefined) {
  const { prefillMs = 0, decodeMs = 0 } = pass?.timings ?? {};
  const { promptTokens = 0, cachedPromptTokens = 0, completionTokens = 0 } = pass?.usage ?? {};
  const { draftedTokens = 0, acceptedTokens = 0, cachedFrom } = pass?.usage ?? {};
  const computed = promptTokens - cachedPromptTokens;
  const ratio = (a: number, b: number) => (b > 0 ? round(a / b, 3) : 0);
  return {
    cache_n: cachedPromptTokens,
    ...(cachedFrom !== undefined && { cached_from: cachedFrom }),
    prompt_n: computed,
    prompt_ms: round(prefillMs, 3),
    prompt_per_token_ms: ratio(prefillMs, computed),
    prompt_per_second: ratio(computed * 1000, prefillMs),
    predicted_n: completionTokens,
    predicted_ms: round(decodeMs, 3),
    predicted_per_token_ms: ratio(decodeMs, completionTokens),
    predicted_per_second: ratio(completionTokens * 1000, decodeMs),
    ...(draftedTokens > 0 && { draft_n: draftedTokens, draft_n_accepted: acceptedTokens }),
  };
}

/** Changes when the model's weights, the engine or how it is set up do: then the same seed may draw another text. */
export function systemFingerprint(model: ModelIdentity): string {
  return `fp_${identityDigest(model).slice(0, 10)}`;
}
