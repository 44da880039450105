import { setImmediate as yieldToOthers } from "node:timers/promises";
import { type Static, Type } from "typebox";
import type { Metric, MetricResult } from "./metric.ts";
import { scoreText } from "./text-metric.ts";
import { fScore, overlap, words } from "./words.ts";

const ChrfOptions = Type.Object(
  {
    beta: Type.Optional(
      Type.Number({
        minimum: 0.1,
        maximum: 10,
        default: 2,
        description: "How much more recall counts than precision.",
      }),
    ),
    order: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 6, description: "Longest character n-grams." }),
    ),
  },
  { additionalProperties: false },
);

/**
 * Character n-gram F-score (Popović 2015) as sacrebleu computes chrF2 of one sentence: no white space, case kept, precision
 * and recall averaged over the orders that both texts have, divided by 100.
 */
export const chrf: Metric<typeof ChrfOptions> = {
  summary: "F-score of character n-grams (chrF2): kind to inflected words and to scripts without spaces.",
  needsReference: true,
  options: ChrfOptions,
  score: (response, reference, options, tools) =>
    scoreText("chrf", scoreChrf, { response, reference, options }, tools),
};

export async function scoreChrf(
  response: string,
  reference: string,
  { beta = 2, order = 6 }: Static<typeof ChrfOptions>,
): Promise<MetricResult> {
  const [said, expected] = [characters(response), characters(reference)];
  const orders = Math.min(order, said.length, expected.length);
  let [precision, recall] = [0, 0];
  for (let n = 1; n <= orders; n++) {
    const [ours, theirs] = [ngrams(said, n), ngrams(expected, n)];
    const common = overlap(ours, theirs);
    precision += common / ours.length / orders;
    recall += common / theirs.length / orders;
    // The longest texts take a tenth of a second an order.
    await yieldToOthers();
  }
  return { value: fScore(precision, recall, beta), details: { precision, recall } };
}

/** Code points, without white space. */
function characters(text: string): readonly string[] {
  return [...words(text).join("")];
}

function ngrams(letters: readonly string[], n: number): readonly string[] {
  return Array.from({ length: letters.length - n + 1 }, (_, start) =>
    letters.slice(start, start + n).join(""),
  );
}
