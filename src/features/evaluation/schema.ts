import { type Static, Type } from "typebox";
import { OneOf } from "../../platform/schema/one-of.ts";
import { PromptText } from "../../platform/schema/text.ts";
import { Timings } from "../../telemetry/timings.ts";
import { criteria } from "./judge-prompt.ts";
import { MetricChoice } from "./metrics/registry.ts";

const Criterion = OneOf(criteria);

export const EvaluateBody = Type.Object({
  prompt: PromptText("What was asked."),
  response: PromptText("The answer to judge."),
  criteria: Type.Optional(
    Type.Array(Criterion, {
      minItems: 1,
      maxItems: criteria.length,
      uniqueItems: true,
      default: ["overall"],
      description: "What to judge by; one score each.",
    }),
  ),
  reference: Type.Optional(
    PromptText("A right answer: the judge is shown it, and metrics measure against it."),
  ),
  metrics: Type.Optional(MetricChoice),
});
export type EvaluateBody = Static<typeof EvaluateBody>;

const Judgements = Type.Object({
  model: Type.String({ description: "The judge." }),
  scores: Type.Array(
    Type.Object({
      criterion: Type.String(),
      score: Type.Integer({ minimum: 1, maximum: 10 }),
      rationale: Type.String(),
      score_expected: Type.Union([Type.Number({ minimum: 1, maximum: 10 }), Type.Null()], {
        description:
          "Mean of the scores, weighted by the probability that the judge gave to each; null where it does not tell.",
      }),
    }),
    { description: "One entry for each criterion asked for, in that order." },
  ),
  latency_ms: Type.Integer(),
  judge: Type.Object(
    {
      model: Type.String(),
      template: Type.String({ description: "Version of the judge's prompt." }),
      template_hash: Type.String({
        description: "SHA-256 of it; scores of different hashes can't be compared.",
      }),
    },
    { description: "Who judged, and how it was asked." },
  ),
  usage: Type.Object(
    {
      prompt_tokens: Type.Integer(),
      completion_tokens: Type.Integer(),
      total_tokens: Type.Integer(),
      cached_prompt_tokens: Type.Integer({ description: "Of the prompt's, taken from the cache." }),
    },
    { description: "Tokens of the judge, over all criteria." },
  ),
  timings: Type.Optional(Timings),
});
export type Judgements = Static<typeof Judgements>;

const MetricValue = Type.Object({
  value: Type.Number({ minimum: 0, maximum: 1 }),
  details: Type.Object({}, { additionalProperties: true, description: "What the value was made of." }),
});

export const EvaluateResponse = Type.Object({
  request_id: Type.String(),
  ...Judgements.properties,
  metrics: Type.Optional(
    Type.Record(Type.String(), MetricValue, { description: "The metrics asked for, by name." }),
  ),
});
export type EvaluateResponse = Static<typeof EvaluateResponse>;
