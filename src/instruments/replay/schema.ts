import { type Static, Type } from "typebox";
import { OneOf } from "../../platform/schema/one-of.ts";
import { round } from "../../telemetry/timings.ts";
import { levels, type Replay, verdicts } from "./replay.ts";

export const ReplayBody = Type.Object({
  level: OneOf(levels, {
    default: "score",
    description:
      "`identity` compares model, engine and settings; `score` has the model score the answer in one pass; `alone` generates it again.",
  }),
});

const OrNull = (schema: ReturnType<typeof Type.Number>) => Type.Union([schema, Type.Null()]);

export const ReplayAnswer = Type.Object({
  level: OneOf(levels),
  replayed_request_id: Type.String(),
  verdict: OneOf(verdicts, {
    description:
      "`identical`: to the last bit; `consistent`: within what batches of other shapes round otherwise; `contradicted`: this model does not make this answer of this prompt; `different`: model or settings are others.",
  }),
  facts: Type.Unsafe<Record<string, string>>({
    type: "object",
    additionalProperties: { type: "string" },
    description:
      "What the answer was made by: digests of weights, libraries and templates, versions and settings.",
  }),
  differences: Type.Array(Type.Object({ field: Type.String(), was: Type.String(), is: Type.String() }), {
    description: "Facts that answers depend on and that have changed since.",
  }),
  generations: Type.Array(
    Type.Object({
      tokens: Type.Integer({ description: "Of the answer." }),
      seed: Type.Integer({ description: "Of its draws, also where the client gave none." }),
      verdict: OneOf(verdicts),
      first_difference: OrNull(
        Type.Number({
          description: "Place of the first token that is another one, or another one's probability.",
        }),
      ),
      largest_gap: OrNull(
        Type.Number({ description: "Of the tokens' log-probabilities, between then and now." }),
      ),
      mean_gap: OrNull(Type.Number()),
    }),
  ),
});
export type ReplayAnswer = Static<typeof ReplayAnswer>;

export function describeReplay({
  level,
  requestId,
  verdict,
  facts,
  differences,
  generations,
}: Replay): ReplayAnswer {
  return {
    level,
    replayed_request_id: requestId,
    verdict,
    facts,
    differences: [...differences],
    generations: generations.map((generation) => ({
      tokens: generation.tokens,
      seed: generation.seed,
      verdict: generation.verdict,
      first_difference: generation.firstDifference ?? null,
      largest_gap: generation.largestGap === undefined ? null : round(generation.largestGap, 6),
      mean_gap: generation.meanGap === undefined ? null : round(generation.meanGap, 6),
    })),
  };
}
