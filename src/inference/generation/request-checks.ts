import { ApiError, InvalidRequestError } from "../../errors.ts";
import type { GenerationRequest } from "../engine.ts";

/**
 * @param precision what to say before the count where it is not exact: "at least "
 * @throws ApiError `context_length_exceeded`, with the figures: a prompt is never cut silently
 */
export function assertFits(
  promptTokens: number,
  maxTokens: number,
  contextWindow: number,
  precision = "",
): void {
  const error = fitError(promptTokens, maxTokens, contextWindow, precision);
  if (error !== undefined) throw error;
}

/** Why a request does not fit; undefined where it does. */
export function fitError(
  promptTokens: number,
  maxTokens: number,
  contextWindow: number,
  precision = "",
): ApiError | undefined {
  const total = promptTokens + maxTokens;
  if (total <= contextWindow) return undefined;
  const isPromptOver = promptTokens >= contextWindow;
  // Agents look for "maximum context length is N tokens" to know that they must shorten their history.
  const message = isPromptOver
    ? `This model's maximum context length is ${contextWindow} tokens, and the prompt has ${precision}${promptTokens}.`
    : `The prompt has ${precision}${promptTokens} tokens and ${maxTokens} more were asked for, ${total} together; the context window is ${contextWindow}.`;
  return new ApiError("context_length_exceeded", message, {
    param: isPromptOver ? "prompt" : "max_new_tokens",
    details: {
      prompt_tokens: promptTokens,
      max_new_tokens: maxTokens,
      context_window: contextWindow,
      total_tokens_requested: total,
      hint: isPromptOver
        ? `Shorten the prompt by at least ${total - contextWindow} tokens.`
        : `Ask for at most ${contextWindow - promptTokens} new tokens, or shorten the prompt.`,
    },
  });
}

/**
 * Tokens that a request may generate: what it asks for, or as many of them as its prompt leaves where the window may end
 * the answer.
 * @throws ApiError `context_length_exceeded`
 */
export function tokenLimit(
  { maxTokens, endsAtWindow }: Pick<GenerationRequest, "maxTokens" | "endsAtWindow">,
  promptTokens: number,
  contextWindow: number,
): number {
  // Without a limit of its own a request may fill the window, so there must be room for a token at least.
  const room = Math.max(1, contextWindow - promptTokens);
  const limit = endsAtWindow === true ? Math.min(maxTokens ?? room, room) : (maxTokens ?? room);
  assertFits(promptTokens, limit, contextWindow);
  return limit;
}

export function unknownToken(token: number, size: number, param: string): InvalidRequestError {
  return new InvalidRequestError(`Token ${token} is not in the vocabulary of ${size} tokens.`, { param });
}
