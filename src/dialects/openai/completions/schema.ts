import { type Static, Type } from "typebox";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { AccountField, IncludeField } from "../../../telemetry/answer-account.ts";
import { LocalLimitFields } from "../../local-sampling.ts";
import { KeepAliveField, ModelName } from "../../model-name.ts";
import { NotHonouredField } from "../../notes.ts";
import { CachedField, OpenAiTimings, UsageSchema } from "../accounting.ts";
import { FormFields } from "../answer-form.ts";
import { ReproducibleField, SamplingFields, StreamFields } from "../fields.ts";
import { ProgressFields, ProgressRequestField } from "../progress.ts";

/** Body of `POST /v1/completions`; docs/openai.md says of every parameter what becomes of it. */
export const CompletionBody = Type.Object({
  model: OrNull(ModelName),
  ...KeepAliveField,
  prompt: Type.Unsafe<string | unknown[]>({
    type: ["string", "array"],
    maxLength: 1_000_000,
    format: "text",
    minItems: 1,
    description: "Text, texts, tokens or lists of tokens to continue, with no template applied.",
  }),
  max_tokens: OrNull(
    Type.Integer({
      minimum: -1,
      default: 16,
      description:
        "Maximum number of tokens to generate; 0 with echo only scores, -1 is what the window has room for.",
    }),
  ),
  ...LocalLimitFields,
  n: OrNull(Type.Integer({ minimum: 1, maximum: 128, default: 1 })),
  best_of: OrNull(
    Type.Integer({ minimum: 1, maximum: 20, description: "Make this many, return the n likeliest a token." }),
  ),
  echo: OrNull(Type.Boolean({ default: false, description: "Begin the text with the prompt." })),
  logprobs: OrNull(
    Type.Integer({ minimum: 0, maximum: 20, description: "Score tokens, with this many others." }),
  ),
  add_special_tokens: OrNull(
    Type.Boolean({
      default: true,
      description: "Extra: begin a text as the tokenizer does, with its token.",
    }),
  ),
  suffix: OrNull(Type.String({ maxLength: 1_000_000, format: "text" })),
  ...SamplingFields,
  ...StreamFields,
  ...ProgressRequestField,
  ...ReproducibleField,
  ...IncludeField,
  ...FormFields,
});
export type CompletionBody = Static<typeof CompletionBody>;

/** Four lists of one length: an entry a token. */
export const CompletionLogprobs = Type.Object({
  tokens: Type.Array(Type.String()),
  token_logprobs: Type.Array(Type.Union([Type.Number(), Type.Null()])),
  top_logprobs: Type.Array(Type.Union([Type.Record(Type.String(), Type.Number()), Type.Null()])),
  text_offset: Type.Array(Type.Integer()),
});
export type CompletionLogprobs = Static<typeof CompletionLogprobs>;

const CompletionChoice = Type.Object({
  index: Type.Integer(),
  text: Type.String(),
  logprobs: Type.Union([CompletionLogprobs, Type.Null()]),
  finish_reason: Type.Union([OneOf(["stop", "length"]), Type.Null()]),
});
export type CompletionChoice = Static<typeof CompletionChoice>;

/** The same shape whole and as a chunk of a stream. */
export const Completion = Type.Object({
  id: Type.String(),
  object: OneOf(["text_completion"]),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(CompletionChoice),
  usage: Type.Optional(Type.Union([UsageSchema, Type.Null()])),
  system_fingerprint: Type.String(),
  timings: Type.Optional(OpenAiTimings),
  ...ProgressFields,
  ...AccountField,
  ...CachedField,
  ...NotHonouredField,
  request_id: Type.Optional(Type.String()),
});
export type Completion = Static<typeof Completion>;
