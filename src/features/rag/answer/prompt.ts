/** The prompt of an answer from passages, in the words that the built-in model was trained on (training/PROMPTS.md). */

const INSTRUCTIONS =
  "Answer the question using only the context. Cite the passages you use, like [1]. " +
  "If the answer is not in the context, say that you do not know.";

/** The answer when no passage has to do with the question; no model is asked. */
export const NOTHING_FOUND = "Nothing in the dataset has to do with this question, so I do not know.";

export interface Passage {
  readonly headingPath: readonly string[];
  readonly text: string;
}

/**
 * Instructions first and the question last: all questions share the prefix before the passages. A passage is quoted
 * whole. Its lines after the first are indented, because none of them must pass for the number of another passage or for
 * the question.
 */
export function answerPrompt(passages: readonly Passage[], question: string): string {
  const numbered = passages.map((passage, index) => `[${index + 1}] ${indented(underHeadings(passage))}`);
  return `${INSTRUCTIONS}\n\nContext:\n${numbered.join("\n")}\n\nQuestion: ${question}`;
}

function underHeadings({ headingPath, text }: Passage): string {
  const missing = headingPath.filter((heading) => !text.includes(heading));
  return missing.length === 0 ? text : `${missing.join(" > ")}: ${text}`;
}

function indented(text: string): string {
  return text.replaceAll(/\r\n|[\n\r\u2028\u2029]/g, "\n    ");
}

/** Numbers of the passages that an answer names as its sources: `[1]`, `[1, 3]`. */
export function citedPassages(answer: string): ReadonlySet<number> {
  const groups = [...answer.matchAll(/\[(\d+(?:\s*,\s*\d+)*)\]/g)];
  return new Set(groups.flatMap(([, numbers = ""]) => numbers.split(",").map(Number)));
}
