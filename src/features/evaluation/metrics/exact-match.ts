import { Type } from "typebox";
import type { Metric } from "./metric.ts";
import { normalizeAnswer } from "./normalization.ts";

const NoOptions = Type.Object({}, { additionalProperties: false });

/** 1 when the response is the reference, but for white space around them. */
export const exactMatch: Metric<typeof NoOptions> = {
  summary: "The response is the reference, letter by letter, but for white space around them.",
  needsReference: true,
  options: NoOptions,
  score: (response, reference) => ({
    value: response.trim() === reference.trim() ? 1 : 0,
    details: {},
  }),
};

/** SQuAD's exact match. */
export const normalizedMatch: Metric<typeof NoOptions> = {
  summary: "The same after SQuAD's normalisation: no case, punctuation, articles or extra white space.",
  needsReference: true,
  options: NoOptions,
  score: (response, reference) => {
    const [normalized, expected] = [normalizeAnswer(response), normalizeAnswer(reference)];
    return { value: normalized === expected ? 1 : 0, details: { normalized, expected } };
  },
};
