import { type Static, Type } from "typebox";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { longestCommonSubsequence } from "./longest-common-subsequence.ts";
import type { Metric, MetricResult } from "./metric.ts";
import { scoreText } from "./text-metric.ts";
import { fScore } from "./words.ts";

const RougeOptions = Type.Object(
  {
    letters: Type.Optional(
      OneOf(["ascii", "unicode"], {
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
  score: (response, reference, options, tools) =>
    scoreText("rouge_l", scoreRougeL, { response, reference, options }, tools),
};

export async function scoreRougeL(
  response: string,
  reference: string,
  { letters = "ascii" }: Static<typeof RougeOptions>,
): Promise<MetricResult> {
  const tokens = (text: string) =>
    text
      .toLowerCase()
      .split(separators[letters])
      .filter((token) => token !== "");
  const [said, expected] = [tokens(response), tokens(reference)];
  if (said.length === 0 || expected.length === 0) return { value: 0, details: { precision: 0, recall: 0 } };
  const common = await longestCommonSubsequence(said, expected);
  const [precision, recall] = [common / said.length, common / expected.length];
  return { value: fScore(precision, recall), details: { precision, recall } };
}
