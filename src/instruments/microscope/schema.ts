import { type Static, type TSchema, Type } from "typebox";
import type { Look, TokenText } from "../../inference/microscope/job.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { round } from "../../telemetry/timings.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Token = {
  token: Type.Integer(),
  text: Type.String({ description: "A special token's name; U+FFFD for bytes that are no whole character." }),
};
const Probability = Type.Number({ description: "0 to 1." });

export const LookAnswer = Type.Object({
  model: Type.String(),
  seed: Type.Integer({ description: "Of the draws." }),
  tokens: Type.Array(
    Type.Object({
      ...Token,
      bytes: Type.Array(Type.Integer()),
      special: Type.Boolean({ description: "It has no text of its own." }),
      part: OneOf(["prompt", "answer"]),
      role: Nullable(
        Type.String({
          description: "Of the message that it is from; null for what the template put between.",
        }),
      ),
      logprob: Nullable(
        Type.Number({
          description: "By the model's own logits; null for the first token, which nothing predicts.",
        }),
      ),
      top: Type.Array(Type.Object({ ...Token, logprob: Type.Number() }), {
        description: "The likeliest tokens in this place.",
      }),
    }),
  ),
  choices: Type.Array(
    Type.Object({
      index: Type.Integer({ description: "Of the token in `tokens`." }),
      drawn: Type.Union([Type.Object(Token), Type.Null()], {
        description:
          "What these parameters and this seed choose; another one where the answer came of others.",
      }),
      stages: Type.Array(
        Type.Object({
          name: Type.String({
            description:
              "`logits` is what the model gives, `form` what the text is held to, `negligible` leaves out what has no chance; the others are the parameters of these names.",
          }),
          left: Type.Integer({ description: "Tokens that can still be chosen." }),
          probability: Nullable(
            Type.Number({ description: "Of the token that stands there; null where it was removed." }),
          ),
          top: Type.Array(Type.Object({ ...Token, probability: Probability })),
        }),
      ),
    }),
    { description: "How the answer's tokens were chosen, stage by stage." },
  ),
  attention: Type.Union([
    Type.Object({
      layer: Nullable(Type.Integer({ description: "Null: the mean of all." })),
      head: Nullable(Type.Integer({ description: "Null: the mean of all." })),
      rows: Type.Array(Type.Array(Type.Number()), {
        description:
          "Row i: what token i gave to each token up to itself; each adds up to 1, but for models with a sink of their own.",
      }),
      heads: Type.Array(
        Type.Object({
          layer: Type.Integer(),
          head: Type.Integer(),
          entropy_bits: Type.Number({ description: "How many tokens it looks at, as 2 to the power of it." }),
          first_token_share: Type.Number({
            description: "What goes to the first token, where heads rest that have nothing to look for.",
          }),
        }),
      ),
    }),
    Type.Null(),
  ]),
  attention_missing: Nullable(Type.String({ description: "Why there is no attention." })),
  largest_logit_difference: Type.Number({
    description:
      "Between the logits of requests and those of the pass without flash attention that the attention is from.",
  }),
});
export type LookAnswer = Static<typeof LookAnswer>;

/** Whose attention was asked for. */
export interface Wanted {
  readonly layer: number | undefined;
  readonly head: number | undefined;
}

const token = ({ token: id, text }: TokenText) => ({ token: id, text });

export function describeLook(
  { tokens, choices, attention, largestLogitDifference }: Look,
  { layer, head }: Wanted,
): Omit<LookAnswer, "model" | "seed"> {
  const isEmpty = attention !== undefined && attention.rows.length === 0;
  const missing =
    attention === undefined
      ? "The model has no layer whose attention llama.cpp computes in the open."
      : isEmpty
        ? `The model has no head ${head ?? "of any number"} in layer ${layer ?? "of any number"}.`
        : undefined;
  return {
    tokens: tokens.map((each) => ({
      ...token(each),
      bytes: [...each.bytes],
      special: each.isSpecial,
      part: each.part,
      role: each.role ?? null,
      logprob: each.logprob === undefined ? null : round(each.logprob, 4),
      top: each.top.map(({ logprob, ...other }) => ({ ...token(other), logprob: round(logprob, 4) })),
    })),
    choices: choices.map(({ index, drawn, stages }) => ({
      index,
      drawn: drawn === undefined ? null : token(drawn),
      stages: stages.map(({ name, left, probability, top }) => ({
        name,
        left,
        probability: probability === undefined ? null : round(probability, 6),
        top: top.map((each) => ({ ...token(each), probability: round(each.probability, 6) })),
      })),
    })),
    attention:
      attention === undefined || isEmpty
        ? null
        : {
            layer: layer ?? null,
            head: head ?? null,
            rows: attention.rows.map((row) => Array.from(row, (weight) => round(weight, 4))),
            heads: attention.heads.map((each) => ({
              layer: each.layer,
              head: each.head,
              entropy_bits: round(each.entropyBits, 3),
              first_token_share: round(each.firstTokenShare, 4),
            })),
          },
    attention_missing: missing ?? null,
    largest_logit_difference: round(largestLogitDifference, 6),
  };
}
