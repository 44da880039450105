import type { ChatTemplate } from "../../../assistant/template/template.ts";
import { ApiError } from "../../../errors.ts";
import type { Engine, Prompt } from "../../../inference/engine.ts";
import { answerPrompt, type Passage } from "./prompt.ts";

export interface FittedPrompt {
  readonly prompt: Prompt;
  /** How many of the passages are in it: the first ones. */
  readonly passages: number;
}

/**
 * The prompt with as many passages, from the first on, as leave room for the answer.
 * @throws ApiError `context_length_exceeded` when not even one fits
 */
export async function fitPrompt(
  engine: Engine,
  template: ChatTemplate,
  question: string,
  passages: readonly Passage[],
  maxNewTokens: number,
): Promise<FittedPrompt> {
  const { contextWindow } = engine.describe();
  const build = (count: number) =>
    template.render([{ role: "user", content: answerPrompt(passages.slice(0, count), question) }]);
  const tokensOf = async (count: number) => (await engine.tokenize(build(count))).length;

  const fits = async (count: number) => (await tokensOf(count)) + maxNewTokens <= contextWindow;
  let fitting = 0;
  let over = passages.length + 1;
  // All of them is the usual case; after it the search halves.
  for (let count = passages.length; fitting + 1 < over; count = (fitting + over) >> 1) {
    if (await fits(count)) fitting = count;
    else over = count;
  }
  if (fitting === 0) throw tooLong(await tokensOf(1), maxNewTokens, contextWindow);
  return { prompt: build(fitting), passages: fitting };
}

function tooLong(promptTokens: number, maxNewTokens: number, contextWindow: number): ApiError {
  return new ApiError(
    "context_length_exceeded",
    `The question and its most relevant passage take ${promptTokens} tokens; with max_new_tokens ${maxNewTokens} that is more than the context window of ${contextWindow}.`,
    {
      param: "query",
      details: {
        prompt_tokens: promptTokens,
        max_new_tokens: maxNewTokens,
        context_window: contextWindow,
        total_tokens_requested: promptTokens + maxNewTokens,
        hint: "Ask a shorter question, or lower max_new_tokens.",
      },
    },
  );
}
