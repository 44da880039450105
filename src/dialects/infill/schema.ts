import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { AccountField, IncludeField } from "../../telemetry/answer-account.ts";
import { KeepAliveField, ModelName } from "../model-name.ts";
import { NotHonouredField } from "../notes.ts";
import { CachedField, OpenAiTimings } from "../openai/accounting.ts";
import { SamplingFields } from "../openai/fields.ts";

const Code = Type.String({ maxLength: 1_000_000, format: "text" });

/** Body of `POST /infill`, as editors send it to llama.cpp's server. */
export const InfillBody = Type.Object({
  model: OrNull(ModelName),
  ...KeepAliveField,
  input_prefix: Type.Unsafe<string>({ ...Code, description: "What stands before the gap." }),
  input_suffix: Type.Unsafe<string>({ ...Code, description: "What stands after it." }),
  prompt: OrNull(Type.Unsafe<string>({ ...Code, description: "How the gap's text begins." })),
  input_extra: OrNull(
    Type.Array(Type.Object({ filename: OrNull(Code), text: Code }), {
      maxItems: 256,
      description: "Pieces of other files, which the model reads first.",
    }),
  ),
  n_predict: OrNull(
    Type.Integer({
      minimum: -1,
      description: "Maximum number of tokens to generate; -1: what the window has room for.",
    }),
  ),
  ...SamplingFields,
  stream: OrNull(Type.Boolean({ default: false, description: "Answer with server-sent events." })),
  ...IncludeField,
});
export type InfillBody = Static<typeof InfillBody>;

/** The whole answer, and the last event of a stream, whose `content` is then empty. */
export const InfillAnswer = Type.Object({
  index: Type.Integer(),
  content: Type.String(),
  stop: Type.Boolean(),
  model: Type.String(),
  tokens_predicted: Type.Integer(),
  tokens_evaluated: Type.Integer({ description: "Tokens of the prompt." }),
  tokens_cached: Type.Integer({ description: "Of those, taken from the cache." }),
  stop_type: OneOf(["eos", "limit", "word"]),
  stopping_word: Type.String(),
  truncated: Type.Boolean(),
  timings: OpenAiTimings,
  ...AccountField,
  ...CachedField,
  ...NotHonouredField,
  request_id: Type.Optional(Type.String()),
});
export type InfillAnswer = Static<typeof InfillAnswer>;
