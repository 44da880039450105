import { type Static, Type } from "typebox";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { LongText } from "../../../platform/schema/text.ts";
import { ModelName } from "../../model-name.ts";
import { SamplingFields, StreamFields } from "../fields.ts";

const Tool = Type.Object({
  type: Type.String(),
  name: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" })),
  description: OrNull(LongText),
  parameters: OrNull(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  strict: OrNull(Type.Boolean()),
});
export type ResponseTool = Static<typeof Tool>;

const TextFormat = Type.Object({
  type: OneOf(["text", "json_object", "json_schema"]),
  name: Type.Optional(Type.String({ maxLength: 64, format: "text" })),
  description: OrNull(LongText),
  schema: Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  strict: OrNull(Type.Boolean()),
});
export type TextFormat = Static<typeof TextFormat>;

/** Body of `POST /v1/responses`; docs/openai.md says of every parameter what becomes of it. */
export const ResponseBody = Type.Object({
  model: ModelName,
  input: Type.Unsafe<string | unknown[]>({
    type: ["string", "array"],
    maxLength: 1_000_000,
    format: "text",
    minItems: 1,
    maxItems: 4096,
  }),
  instructions: OrNull(LongText),
  previous_response_id: OrNull(Type.String({ maxLength: 128, format: "text" })),
  store: OrNull(Type.Boolean({ default: true, description: "Keep the response, to be continued later." })),
  max_output_tokens: OrNull(Type.Integer({ minimum: 1 })),
  tools: OrNull(Type.Array(Tool, { maxItems: 128 })),
  tool_choice: OrNull(
    Type.Unsafe<string | { type?: unknown; name?: unknown }>({ type: ["string", "object"] }),
  ),
  parallel_tool_calls: OrNull(Type.Boolean({ default: true })),
  text: OrNull(Type.Object({ format: OrNull(TextFormat), verbosity: OrNull(OneOf(["medium"])) })),
  top_logprobs: OrNull(Type.Integer({ minimum: 0, maximum: 20 })),
  metadata: OrNull(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  user: OrNull(Type.String({ maxLength: 1000, format: "text" })),
  include: OrNull(Type.Array(Type.String())),
  reasoning: OrNull(Type.Unsafe<{ effort?: unknown; summary?: unknown }>({ type: "object" })),
  ...SamplingFields,
  ...StreamFields,
});
export type ResponseBody = Static<typeof ResponseBody>;
