import { InvalidRequestError } from "../../../errors.ts";
import type { Engine, GenerationContext, Prompt, ScoredToken, Usage } from "../../../inference/engine.ts";
import { scoreTokens } from "./score-tokens.ts";

/** How likely a model finds a text. */
export interface Likelihood {
  /** Sum of the tokens' natural log-probabilities. */
  readonly logprob: number;
  /** Tokens that the sum is over. */
  readonly tokens: number;
  /** exp(-logprob / tokens): the number of equally likely tokens that would surprise as much. */
  readonly perplexity: number;
  /** Perplexity a byte in bits: comparable between tokenizers. */
  readonly bitsPerByte: number;
  /** Greedy decoding would have written this very text. */
  readonly isGreedy: boolean;
  readonly usage: Usage;
}

/**
 * How likely `continuation` is after `context`. A context of plain text is encoded together with the continuation, as
 * lm-evaluation-harness does (spaces at its end belong to the continuation; tokens beyond the context's own number are
 * the continuation's); a prompt, such as a rendered chat template, is encoded for itself. After an empty context the
 * text follows the model's beginning-of-sequence token, or its end-of-sequence token where it has no other.
 * @throws InvalidRequestError `continuation` when it has no tokens of its own
 */
export async function continuationLikelihood(
  engine: Engine,
  context: string | Prompt,
  continuation: string,
  options: GenerationContext = {},
): Promise<Likelihood> {
  const { prompt, from } =
    typeof context === "string"
      ? await joined(engine, context, continuation)
      : await appended(engine, context, continuation);
  const total = await engine.tokenize(prompt);
  if (total.length <= from)
    throw new InvalidRequestError("The continuation has no tokens of its own.", { param: "continuation" });
  const { tokens, usage } = await scoreTokens(engine, prompt, from, options);
  return likelihoodOf(tokens, Buffer.byteLength(continuation), usage);
}

/**
 * How likely `text` is by itself: every token but those before the first prediction (the beginning-of-sequence token, or
 * where the tokenizer adds none, the text's first token). The whole text must fit the context window; see `windowedPerplexity`.
 */
export async function textLikelihood(
  engine: Engine,
  text: string,
  options: GenerationContext = {},
): Promise<Likelihood> {
  const prompt: Prompt = { parts: [{ type: "text", text, parseSpecial: false }], addBos: true };
  const { tokens, usage } = await scoreTokens(engine, prompt, 1, options);
  if (tokens.length === 0)
    throw new InvalidRequestError("The text is too short to be scored.", { param: "text" });
  return likelihoodOf(tokens, Buffer.byteLength(text), usage);
}

export function likelihoodOf(tokens: readonly ScoredToken[], bytes: number, usage: Usage): Likelihood {
  const logprob = tokens.reduce((sum, token) => sum + (token.logprob as number), 0);
  return {
    logprob,
    tokens: tokens.length,
    perplexity: Math.exp(-logprob / tokens.length),
    bitsPerByte: -logprob / Math.LN2 / bytes,
    isGreedy: tokens.every(({ token, top }) => top[0]?.token === token),
    usage,
  };
}

interface Placed {
  readonly prompt: Prompt;
  /** The continuation's first token in the prompt. */
  readonly from: number;
}

async function joined(engine: Engine, context: string, continuation: string): Promise<Placed> {
  const kept = context.trimEnd();
  const before = await engine.tokenize(plain(kept, true));
  if (before.length > 0) {
    const whole = plain(context + continuation, true);
    return { prompt: whole, from: before.length };
  }
  // Nothing at all comes before the text, not even a token of the tokenizer's.
  const { bosText, eosText } = engine.describe();
  const start = { type: "text", text: bosText === "" ? eosText : bosText, parseSpecial: true } as const;
  const head = await engine.tokenize({ parts: [start], addBos: false });
  return {
    prompt: {
      parts: [start, { type: "text", text: context + continuation, parseSpecial: false }],
      addBos: false,
    },
    from: head.length,
  };
}

async function appended(engine: Engine, context: Prompt, continuation: string): Promise<Placed> {
  const before = await engine.tokenize(context);
  const prompt: Prompt = {
    ...context,
    parts: [...context.parts, { type: "text", text: continuation, parseSpecial: false }],
  };
  return { prompt, from: before.length };
}

function plain(text: string, addBos: boolean): Prompt {
  return { parts: [{ type: "text", text, parseSpecial: false }], addBos };
}
