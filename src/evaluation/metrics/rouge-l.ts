import { Type } from "typebox";
import { Choice } from "../../fields.ts";
import type { Metric } from "./metric.ts";
import { fScore } from "./words.ts";

const RougeOptions = Type.Object(
  {
    letters: Type.Optional(
      Choice(["ascii", "unicode"], {
        default: "ascii",
        description:
          "`ascii` is the published tokenizer, which drops all other scripts; `unicode` keeps them.",
      }),
    ),
  },
  { additionalProperties: false },
);

const separators = { ascii: /[^a-z0-9]+/, unicode: /[^\p{L}\p{N}\p{M}]+/u } as const;

/** ROUGE-L of a sentence pair (Lin 2004) as google-research's `rouge_score` computes it, without stemming. */
export const rougeL: Metric<typeof RougeOptions> = {
  summary: "F1 of the longest common subsequence of words (ROUGE-L).",
  needsReference: true,
  options: RougeOptions,
  score: (response, reference, { letters = "ascii" }) => {
    const tokens = (text: string) =>
      text
        .toLowerCase()
        .split(separators[letters])
        .filter((token) => token !== "");
    const [said, expected] = [tokens(response), tokens(reference)];
    if (said.length === 0 || expected.length === 0) return { value: 0, details: { precision: 0, recall: 0 } };
    const common = longestCommonSubsequence(said, expected);
    const [precision, recall] = [common / said.length, common / expected.length];
    return { value: fScore(precision, recall), details: { precision, recall } };
  },
};

/** Length of the longest common subsequence; time a·b, memory b. */
export function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  // Words as numbers compare faster.
  const ids = new Map<string, number>();
  const numbered = (words: readonly string[]) =>
    Uint32Array.from(words, (word) => {
      const id = ids.get(word) ?? ids.size;
      ids.set(word, id);
      return id;
    });
  const [rows, columns] = [numbered(a), numbered(b)];
  // lengths[j]: the longest subsequence of the rows so far and the first j columns.
  const lengths = new Uint32Array(columns.length + 1);
  for (const row of rows) {
    let diagonal = 0;
    for (let column = 1; column < lengths.length; column++) {
      const above = lengths[column] as number;
      const left = lengths[column - 1] as number;
      lengths[column] = columns[column - 1] === row ? diagonal + 1 : Math.max(above, left);
      diagonal = above;
    }
  }
  return lengths[columns.length] as number;
}
