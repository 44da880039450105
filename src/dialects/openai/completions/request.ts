import type { Constraint } from "../../../inference/constraints/expression.ts";
import type { GenerationRequest, ModelDescription, Prompt } from "../../../inference/engine.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid, requireWellFormed } from "../../content.ts";
import { askedLimit, limitOf } from "../../local-sampling.ts";
import type { Note } from "../../notes.ts";
import { accountFor } from "../../refusals.ts";
import { isReusable, toSampling, toStop } from "../sampling.ts";
import { unsupportedInCompletions } from "../unsupported.ts";
import { infillPrompt } from "./infill.ts";
import type { CompletionBody } from "./schema.ts";

/** Prompts of one request; each makes its own answers. */
const MAX_PROMPTS = 128;
/** Generations of one request: prompts × answers. */
const MAX_GENERATIONS = 256;

/** What a completion asks of the engine: a generation for each prompt, and how many answers to make of it. */
export interface CompletionPlan {
  readonly requests: readonly GenerationRequest[];
  /** Answers to make a prompt, and how many of them to return. */
  readonly made: number;
  readonly returned: number;
  /** What is not done as asked. */
  readonly notes: readonly Note[];
}

/** `constraint` is that of the body's grammar. @throws InvalidRequestError naming the field */
export function toPlan(
  body: CompletionBody,
  model: Pick<ModelDescription, "specialTexts" | "bosText">,
  randomSeed: () => number,
  constraint: Constraint | undefined,
): CompletionPlan {
  const { n, best_of, echo, logprobs } = body;
  // OpenAI's limit where none is asked for.
  const maxTokens = limitOf(askedLimit(body) ?? 16);
  const notes = accountFor(body, unsupportedInCompletions);
  const returned = n ?? 1;
  const made = best_of ?? returned;
  if (made < returned) throw invalid("best_of", "must be at least n");
  if (made > returned && body.stream === true)
    throw invalid("best_of", "can't be streamed: which answers are the best is known at the end");
  if (maxTokens === 0 && echo !== true) throw invalid("max_tokens", "must be at least 1 without echo");
  const prompts = toPrompts(body.prompt, (text) => textPrompt(text, body, model));
  if (prompts.length * made > MAX_GENERATIONS)
    throw invalid("prompt", `makes more than ${MAX_GENERATIONS} answers, with n or best_of`);
  const { seed = randomSeed(), ...sampling } = toSampling(body);
  const scored = isSet(logprobs) ? logprobs : made > returned ? 0 : undefined;
  const requests = prompts.map(
    (prompt): GenerationRequest => ({
      prompt,
      ...(maxTokens !== undefined && { maxTokens }),
      endsAtWindow: true,
      sampling: { ...sampling, seed, ...(constraint !== undefined && { constraint }) },
      stop: toStop(body.stop),
      reusable: isReusable(body),
      ...(body.reproducible === true && { reproducible: true as const }),
      ...(scored !== undefined && { logprobs: scored }),
      ...(echo === true && isSet(logprobs) && { promptLogprobs: logprobs }),
    }),
  );
  return { requests, made, returned, notes };
}

/** A string, a list of tokens, or a list of either. */
function toPrompts(
  prompt: string | readonly unknown[],
  textPrompt: (text: string) => Prompt,
): readonly Prompt[] {
  if (typeof prompt === "string") return [textPrompt(prompt)];
  if (prompt.every(isToken)) return [tokenPrompt(prompt)];
  if (prompt.length > MAX_PROMPTS) throw invalid("prompt", `must have at most ${MAX_PROMPTS} entries`);
  return prompt.map((entry, index): Prompt => {
    const path = `prompt[${index}]`;
    if (typeof entry === "string") return textPrompt(requireWellFormed(entry, path));
    if (Array.isArray(entry) && entry.length > 0 && entry.every(isToken)) return tokenPrompt(entry);
    throw invalid(path, "must be a string or a list of token ids");
  });
}

/** This route's prompts are the whole of what the model reads, templates' special tokens included. */
function textPrompt(
  text: string,
  { suffix, add_special_tokens: addsSpecial }: Pick<CompletionBody, "suffix" | "add_special_tokens">,
  { specialTexts, bosText }: Pick<ModelDescription, "specialTexts" | "bosText">,
): Prompt {
  if (isSet(suffix) && suffix !== "") return infillPrompt(text, suffix, specialTexts);
  const hasBos = bosText !== "" && text.startsWith(bosText);
  return { parts: [{ type: "text", text, parseSpecial: true }], addBos: !hasBos && addsSpecial !== false };
}

function isToken(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Tokens are taken as they are: who sends them has put the beginning-of-sequence token where it belongs. */
function tokenPrompt(tokens: readonly number[]): Prompt {
  return { parts: [{ type: "tokens", tokens }], addBos: false };
}
