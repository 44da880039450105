import { type Static, Type } from "typebox";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";

export const EmbeddingsBody = Type.Object({
  input: Type.Unsafe<string | readonly unknown[]>({
    type: ["string", "array"],
    minLength: 1,
    minItems: 1,
    maxItems: 300_000,
    description: "A text, a list of up to 2,048 texts, a list of tokens, or a list of such lists.",
  }),
  model: OrNull(
    Type.String({
      minLength: 1,
      maxLength: 256,
      format: "text",
      description: "The embedding model's name, or one of MODEL_ALIASES; the served one when left out.",
    }),
  ),
  encoding_format: OrNull(
    OneOf(["float", "base64"], {
      default: "float",
      description: "Numbers, or little-endian 32-bit floats in base64.",
    }),
  ),
  dimensions: OrNull(
    Type.Integer({
      minimum: 1,
      maximum: 65_536,
      description: "The first this many of each vector; only where the model was trained for it.",
    }),
  ),
  normalize: OrNull(
    Type.Boolean({
      default: true,
      description: "Extra: false leaves vectors as long as the model makes them.",
    }),
  ),
});
export type EmbeddingsBody = Static<typeof EmbeddingsBody>;

export const EmbeddingsAnswer = Type.Object({
  object: OneOf(["list"]),
  data: Type.Array(
    Type.Object({
      object: OneOf(["embedding"]),
      index: Type.Integer(),
      embedding: Type.Unsafe<number[] | string>({ description: "Numbers, or base64 of 32-bit floats." }),
    }),
  ),
  model: Type.String(),
  usage: Type.Object({
    input_tokens: Type.Integer(),
    prompt_tokens: Type.Integer(),
    total_tokens: Type.Integer(),
  }),
  request_id: Type.Optional(Type.String()),
});
export type EmbeddingsAnswer = Static<typeof EmbeddingsAnswer>;
