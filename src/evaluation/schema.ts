import { type Static, Type } from "typebox";
import { Choice, PromptText } from "../fields.ts";
import { criteria } from "./judge-prompt.ts";

const Criterion = Choice(criteria);

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
});
export type EvaluateBody = Static<typeof EvaluateBody>;

export const EvaluateResponse = Type.Object({
  request_id: Type.String(),
  model: Type.String({ description: "The judge." }),
  scores: Type.Array(
    Type.Object({
      criterion: Type.String(),
      score: Type.Integer({ minimum: 1, maximum: 10 }),
      rationale: Type.String(),
    }),
    { description: "One entry for each criterion asked for, in that order." },
  ),
  latency_ms: Type.Integer(),
});
export type EvaluateResponse = Static<typeof EvaluateResponse>;
