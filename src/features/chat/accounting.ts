import { type Completion, totalMs } from "../../inference/completion.ts";
import type { ModelDescription } from "../../inference/engine.ts";
import type { ChatResponse, Timings } from "./schema.ts";

/** What the times of a generation are told from. */
type Accounted = Pick<Completion, "usage" | "timings">;

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

/** The parts of the latency. The time to first token is that of the last pass, whose text is the answer. */
export function timings(passes: readonly Accounted[]): Timings {
  const sum = (of: (pass: Accounted) => number) => passes.reduce((total, pass) => total + of(pass), 0);
  const prefillMs = sum((pass) => pass.timings.prefillMs);
  const decodeMs = sum((pass) => pass.timings.decodeMs);
  const computed = sum((pass) => pass.usage.promptTokens - pass.usage.cachedPromptTokens);
  const decoded = sum((pass) => Math.max(0, pass.usage.completionTokens - 1));
  const afterFirstToken = passes.at(-1)?.timings.decodeMs ?? 0;
  return {
    queue_ms: round(
      sum((pass) => pass.timings.queueMs),
      1,
    ),
    prefill_ms: round(prefillMs, 1),
    decode_ms: round(decodeMs, 1),
    time_to_first_token_ms: round(sum((pass) => totalMs(pass.timings)) - afterFirstToken, 1),
    prefill_tokens_per_second: perSecond(computed, prefillMs),
    decode_tokens_per_second: perSecond(decoded, decodeMs),
  };
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((count * 1000) / ms) : 0;
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
