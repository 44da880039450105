import { InvalidRequestError } from "../../../errors.ts";
import type { Engine, GenerationContext, Prompt } from "../../../inference/engine.ts";
import { scoreTokens } from "./score-tokens.ts";

export interface WindowedPerplexity {
  readonly perplexity: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  readonly windows: number;
}

export interface WindowedOptions extends GenerationContext {
  /** Told after each window. */
  readonly onWindow?: (done: number, total: number) => void;
}

/**
 * Perplexity of a text of any length as llama.cpp's `llama-perplexity` defines it, whose published figures can then be
 * compared. The tokens (with the beginning-of-sequence token) are cut into windows of `window`, and an incomplete last one
 * is dropped. The first token of each gives way to the beginning-of-sequence token. The second half of each window is
 * scored, from token `window` / 2 + 1 on: every scored token has at least half a window before it.
 * @throws InvalidRequestError when the text fills fewer than two windows
 */
export async function windowedPerplexity(
  engine: Engine,
  text: string,
  window: number,
  { onWindow, ...options }: WindowedOptions = {},
): Promise<WindowedPerplexity> {
  const tokenize = (content: string) =>
    engine.tokenize({ parts: [{ type: "text", text: content, parseSpecial: false }], addBos: true });
  const [tokens, start] = [await tokenize(text), await tokenize("")];
  const windows = Math.floor(tokens.length / window);
  if (windows < 2) {
    throw new InvalidRequestError(
      `The text has ${tokens.length} tokens; two windows of ${window} are needed.`,
      { param: "text" },
    );
  }
  const from = Math.floor(window / 2) + 1;
  let logprob = 0;
  let scored = 0;
  for (let index = 0; index < windows; index++) {
    const part = tokens.slice(index * window, (index + 1) * window);
    const prompt: Prompt = {
      parts: [{ type: "tokens", tokens: [...start, ...part.slice(start.length)] }],
      addBos: false,
    };
    const { tokens: found } = await scoreTokens(engine, prompt, from, options);
    scored += found.length;
    for (const token of found) logprob += token.logprob as number;
    onWindow?.(index + 1, windows);
  }
  return { perplexity: Math.exp(-logprob / scored), tokens: scored, windows };
}
