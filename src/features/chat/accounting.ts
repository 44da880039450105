import { farthest } from "../../inference/cache-tier.ts";
import { type Completion, totalMs } from "../../inference/completion.ts";
import type { ModelDescription } from "../../inference/engine.ts";
import { round, timings } from "../../telemetry/timings.ts";
import type { ChatResponse } from "./schema.ts";

type Accounts = Omit<
  ChatResponse,
  | "response"
  | "request_id"
  | "refined"
  | "original_response"
  | "critique"
  | "refine_steps_used"
  | "finish_reason"
>;

/** Adds up the passes of one answer, in the contract's units and roundings. Shape: one `Completion` a pass, in order. */
export function account(passes: readonly Completion[], model: ModelDescription): Accounts {
  const sum = (of: (pass: Completion) => number) => passes.reduce((total, pass) => total + of(pass), 0);
  const promptTokens = sum((pass) => pass.usage.promptTokens);
  const completionTokens = sum((pass) => pass.usage.completionTokens);
  const totalTokens = promptTokens + completionTokens;
  return {
    latency_ms: Math.round(sum((pass) => totalMs(pass.timings))),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens,
    cached: passes.every((pass) => pass.cached === true),
    cached_prompt_tokens: sum((pass) => pass.usage.cachedPromptTokens),
    cached_from: farthest(passes.map((pass) => pass.usage.cachedFrom)) ?? null,
    speculation: {
      drafted: sum((pass) => pass.usage.draftedTokens),
      accepted: sum((pass) => pass.usage.acceptedTokens),
    },
    model: model.name,
    context_window: model.contextWindow,
    context_used_pct: round((100 * totalTokens) / model.contextWindow, 4),
    model_type: "decoder-only",
    attention_masking: "causal",
    attention_heads: model.attentionHeads,
    hidden_size: model.hiddenSize,
    estimated_attention_ops: totalTokens ** 2,
    output_to_input_ratio: round(completionTokens / Math.max(promptTokens, 1), 4),
    timings: timings(passes),
  };
}
