import { Type } from "typebox";
import type { Metric } from "./metric.ts";
import { normalizeAnswer } from "./normalization.ts";
import { fScore, overlap, words } from "./words.ts";

const NoOptions = Type.Object({}, { additionalProperties: false });

/** F1 of the bags of words after SQuAD's normalisation; where either is empty, 1 when both are (SQuAD 2.0). */
export const tokenF1: Metric<typeof NoOptions> = {
  summary: "F1 of the words that response and reference share, after SQuAD's normalisation.",
  needsReference: true,
  options: NoOptions,
  score: (response, reference) => {
    const [said, expected] = [words(normalizeAnswer(response)), words(normalizeAnswer(reference))];
    if (said.length === 0 || expected.length === 0) {
      return { value: said.length === expected.length ? 1 : 0, details: { precision: 0, recall: 0 } };
    }
    const common = overlap(said, expected);
    const [precision, recall] = [common / said.length, common / expected.length];
    return { value: fScore(precision, recall), details: { precision, recall } };
  },
};
