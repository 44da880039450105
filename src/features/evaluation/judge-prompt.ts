import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readGbnf } from "../../assistant/structured/gbnf.ts";
import type { Constraint } from "../../inference/constraints/expression.ts";

/**
 * What the judge is asked. The wording is in `prompts/judge-v1.txt` and is the one that the built-in model was trained
 * on; changing a word of it, of a criterion or of the form makes another version: another file, another hash.
 */
const TEMPLATE_VERSION = "judge-v1";
const template = readFileSync(
  new URL(`./prompts/${TEMPLATE_VERSION}.txt`, import.meta.url),
  "utf8",
).trimEnd();

const descriptions = {
  accuracy: "The response is correct and answers the prompt.",
  clarity: "The response is easy to read and to the point.",
  reasoning: "The response gives reasons or steps that lead to its conclusion.",
  factuality: "The facts stated in the response are true.",
  overall: "The response is good as a whole.",
} as const;

export type Criterion = keyof typeof descriptions;
export const criteria = Object.keys(descriptions) as Criterion[];

/** What is judged. */
export interface JudgedPair {
  readonly prompt: string;
  readonly response: string;
  /** A right answer, to judge by. */
  readonly reference?: string | undefined;
}

/**
 * Instructions first, then what is judged, the criterion last: all criteria of one response share the prefix before it,
 * and all records of a run the instructions.
 */
export function judgePrompt(pair: JudgedPair, criterion: Criterion): string {
  const values: Readonly<Record<string, string>> = {
    prompt: pair.prompt,
    response: pair.response,
    reference: pair.reference === undefined ? "" : `Reference: ${pair.reference}\n`,
    criterion: `${criterion} - ${descriptions[criterion]}`,
  };
  // In one pass: a response that spells a placeholder stays what it is.
  return template.replaceAll(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** Characters of the longest rationale. */
const MAX_RATIONALE = 240;

/** The only answers a judge can give: a score from 1 to 10, then a rationale of 1 to 240 characters. */
const judgeGrammar = String.raw`root ::= "{\"score\": " score ", \"rationale\": \"" char{1,${MAX_RATIONALE}} "\"}"
score ::= "10" | [1-9]
char ::= [^"\\\x00-\x1f] | "\\" ["\\/bfnrt]
`;

/** What a judge of this machine is held to. */
export const judgeConstraint: Constraint = { key: "judge", form: readGbnf(judgeGrammar) };

/** The same form for judges elsewhere. The score comes first: the rationale explains it, and not the other way round. */
export const judgeSchema = {
  type: "object",
  properties: {
    score: { type: "integer", minimum: 1, maximum: 10 },
    rationale: { type: "string", minLength: 1, maxLength: MAX_RATIONALE },
  },
  required: ["score", "rationale"],
  additionalProperties: false,
} as const;

/** Enough for the longest rationale that a judge in practice gives; one cut off here keeps its score. */
export const JUDGE_MAX_TOKENS = 256;

/** The wording of a prompt, by name and by content. */
export interface PromptVersion {
  readonly version: string;
  readonly sha256: string;
}

/** Names the prompt that scores were given by; scores of different hashes are not to be compared. */
export const judgeTemplate: PromptVersion = {
  version: TEMPLATE_VERSION,
  /** SHA-256 of everything that makes up the question and the form of its answer. */
  sha256: createHash("sha256")
    .update(JSON.stringify([template, descriptions, judgeGrammar, judgeSchema]))
    .digest("hex"),
};
