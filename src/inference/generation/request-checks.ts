import { ApiError, InvalidRequestError } from "../../errors.ts";
import { LlamaError } from "../llama/errors.ts";

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
  const total = promptTokens + maxTokens;
  if (total <= contextWindow) return;
  throw new ApiError(
    "context_length_exceeded",
    `The prompt has ${precision}${promptTokens} tokens and ${maxTokens} more were asked for, ${total} together; the context window is ${contextWindow}.`,
    {
      param: promptTokens >= contextWindow ? "prompt" : "max_new_tokens",
      details: {
        prompt_tokens: promptTokens,
        max_new_tokens: maxTokens,
        context_window: contextWindow,
        total_tokens_requested: total,
        hint:
          promptTokens >= contextWindow
            ? `Shorten the prompt by at least ${total - contextWindow} tokens.`
            : `Ask for at most ${contextWindow - promptTokens} new tokens, or shorten the prompt.`,
      },
    },
  );
}

export function strangeToken(token: number, size: number, param: string): InvalidRequestError {
  return new InvalidRequestError(`Token ${token} is not in the vocabulary of ${size} tokens.`, { param });
}

/** Makes a grammar that does not compile the client's error. */
export function asRequestError(param: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof LlamaError && error.code === "invalid_grammar") {
      throw new InvalidRequestError(error.message, { param, cause: error });
    }
    throw error;
  };
}
