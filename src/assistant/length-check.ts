import type { ApiError } from "../errors.ts";
import { fitError } from "../inference/generation/request-checks.ts";

/** The longest tokens of published vocabularies, runs of spaces or dashes, are half as long. */
const LONGEST_TOKEN_CHARACTERS = 256;

/** Why a conversation can't be answered that no window of this size can hold, before seconds are spent on rendering it. */
export function tooLong(
  messages: ReadonlyArray<{ readonly content: string }>,
  maxTokens: number,
  contextWindow: number,
): ApiError | undefined {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  const fewest = Math.floor(characters / LONGEST_TOKEN_CHARACTERS);
  return fewest > contextWindow ? fitError(fewest, maxTokens, contextWindow, "at least ") : undefined;
}
