import type { Engine, GenerationContext, Prompt, ScoredToken, Usage } from "../../../inference/engine.ts";

export interface ScoredTokens {
  readonly tokens: readonly ScoredToken[];
  readonly usage: Usage;
}

/**
 * Log-probabilities of the prompt's tokens from `from` on, and the likeliest token in each place. What comes before
 * `from` may be taken from the cache: texts with one beginning share its cost. Batch work unless `context` says
 * otherwise, because clients seldom wait for scores.
 */
export async function scoreTokens(
  engine: Engine,
  prompt: Prompt,
  from: number,
  context: GenerationContext = {},
): Promise<ScoredTokens> {
  const request = {
    prompt,
    maxTokens: 0,
    sampling: { temperature: 0, seed: 0 },
    stop: [],
    promptLogprobs: 1,
    promptLogprobsFrom: from,
  };
  let tokens: readonly ScoredToken[] | undefined;
  let cancelled = false;
  let usage: Usage | undefined;
  for await (const event of engine.generate(request, { lane: "batch", ...context })) {
    if (event.type === "prompt") tokens = event.tokens;
    if (event.type === "done") {
      usage = event.usage;
      cancelled = event.finishReason === "cancelled";
    }
  }
  if (cancelled) throw new DOMException("The scoring was cancelled.", "AbortError");
  if (tokens === undefined || usage === undefined)
    throw new Error("the engine did not score the prompt's tokens");
  return { tokens, usage };
}
