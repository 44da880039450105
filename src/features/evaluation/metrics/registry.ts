import { type TObject, Type } from "typebox";
import { InvalidRequestError } from "../../../errors.ts";
import { chrf } from "./chrf.ts";
import { embeddingSimilarity } from "./embedding-similarity.ts";
import { exactMatch, normalizedMatch } from "./exact-match.ts";
import { jsonSchema } from "./json-schema.ts";
import type { Metric, MetricResult, MetricTools } from "./metric.ts";
import { numericTolerance } from "./numeric.ts";
import { regex } from "./regex.ts";
import { rougeL } from "./rouge-l.ts";
import { tokenF1 } from "./token-f1.ts";

/** Every metric by its name in requests and results. */
export const metrics = {
  exact_match: exactMatch,
  normalized_match: normalizedMatch,
  token_f1: tokenF1,
  rouge_l: rougeL,
  chrf,
  embedding_similarity: embeddingSimilarity,
  json_schema: jsonSchema,
  regex,
  numeric: numericTolerance,
} as const;

export type MetricName = keyof typeof metrics;

/** Which metrics to compute, each with its options: `{"rouge_l": {}, "regex": {"pattern": "^Yes"}}`. */
export const MetricChoice = Type.Object(
  Object.fromEntries(
    Object.entries(metrics).map(([name, { options, summary }]) => [
      name,
      Type.Optional(Type.Object(options.properties, { additionalProperties: false, description: summary })),
    ]),
  ) as { [Name in MetricName]: ReturnType<typeof Type.Optional<(typeof metrics)[Name]["options"]>> },
  { additionalProperties: false, description: "Reference metrics by name, each with its options." },
);

/**
 * Computes one metric.
 * @throws InvalidRequestError when it needs a reference and there is none, or its options can't be used
 */
export async function scoreMetric(
  name: MetricName,
  input: {
    readonly response: string;
    readonly reference: string | undefined;
    readonly options?: Readonly<Record<string, unknown>>;
  },
  tools: MetricTools,
): Promise<MetricResult> {
  const metric: Metric<TObject> = metrics[name] as unknown as Metric<TObject>;
  if (metric.needsReference && input.reference === undefined)
    throw new InvalidRequestError(`${name} needs a reference.`, { param: "reference" });
  return metric.score(input.response, input.reference ?? "", input.options ?? {}, tools);
}
