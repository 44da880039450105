/** The judge's prompt and the form of its answer, in the words that the built-in model was trained on. */

const descriptions = {
  accuracy: "The response is correct and answers the prompt.",
  clarity: "The response is easy to read and to the point.",
  reasoning: "The response gives reasons or steps that lead to its conclusion.",
  factuality: "The facts stated in the response are true.",
  overall: "The response is good as a whole.",
} as const;

export type Criterion = keyof typeof descriptions;
export const criteria = Object.keys(descriptions) as Criterion[];

/** Instructions first and the criterion last, so that all criteria of one response share the prefix before it. */
export function judgePrompt(prompt: string, response: string, criterion: Criterion): string {
  return [
    'Judge the response to the prompt by the criterion. Answer as JSON with "score" (1 to 10) and "rationale".',
    `Prompt: ${prompt}`,
    `Response: ${response}`,
    `Criterion: ${criterion} - ${descriptions[criterion]}`,
  ].join("\n");
}

/** The only answers a judge can give: a score from 1 to 10, then a rationale of 1 to 240 characters. */
export const judgeGrammar = String.raw`root ::= "{\"score\": " score ", \"rationale\": \"" char{1,240} "\"}"
score ::= "10" | [1-9]
char ::= [^"\\\x00-\x1f] | "\\" ["\\/bfnrt]
`;

/** Enough for the longest rationale that a judge in practice gives; one cut off here keeps its score. */
export const JUDGE_MAX_TOKENS = 256;
