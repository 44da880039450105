import type { TokenUse } from "./session/token-use.ts";

/** What one turn may use. When it is used up, the turn ends in a last answer from what is known by then. */
export interface Limits {
  /** Answers of the model, the last one not counted. */
  readonly maxSteps: number;
  readonly maxToolCalls: number;
  /** Tokens that the model writes, those of the last answer not counted. */
  readonly maxOutputTokens: number;
  /** Tokens that it reads and writes. */
  readonly maxTotalTokens: number;
  /** Time at work; waiting for a person or the client is not counted. */
  readonly maxSeconds: number;
  /** What of one tool's output the model is given at once. */
  readonly maxToolOutputTokens: number;
  /** Time after which what a person did not approve is denied. */
  readonly approvalSeconds: number;
}

export const defaultLimits: Limits = {
  maxSteps: 32,
  maxToolCalls: 128,
  maxOutputTokens: 16_384,
  maxTotalTokens: 1_000_000,
  maxSeconds: 3_600,
  maxToolOutputTokens: 4_096,
  approvalSeconds: 86_400,
};

/** Tokens of the last answer. */
export const LAST_ANSWER_TOKENS = 1_024;

/** Why a turn ends in a last answer. */
export type LimitReason =
  | "max_steps"
  | "max_tool_calls"
  | "max_output_tokens"
  | "max_total_tokens"
  | "max_seconds"
  | "repetition"
  /** The model's context is full: there is no room for a last answer. */
  | "context_window";

interface Used {
  readonly steps: number;
  readonly toolCalls: number;
  readonly usage: TokenUse;
  readonly activeMs: number;
}

/** The first limit that a turn has reached. */
export function reachedLimit(used: Used, limits: Limits): LimitReason | undefined {
  if (used.steps >= limits.maxSteps) return "max_steps";
  if (used.toolCalls >= limits.maxToolCalls) return "max_tool_calls";
  if (used.usage.outputTokens >= limits.maxOutputTokens) return "max_output_tokens";
  if (used.usage.inputTokens + used.usage.outputTokens >= limits.maxTotalTokens) return "max_total_tokens";
  if (used.activeMs >= 1000 * limits.maxSeconds) return "max_seconds";
  return undefined;
}

const limitNames: Readonly<Record<LimitReason, string>> = {
  max_steps: "the number of steps",
  max_tool_calls: "the number of tool calls",
  max_output_tokens: "the length of your answers",
  max_total_tokens: "the number of tokens",
  max_seconds: "time",
  repetition: "calls that only repeat what was called before",
  context_window: "your context",
};

/** What the model is told before its last answer. */
export function lastAnswerPrompt(reason: LimitReason): string {
  return `You have reached the limit on ${limitNames[reason]}. Answer now with what you know.`;
}
