import { type Static, Type } from "typebox";
import type { ApprovalFilters } from "../../../features/mcp-servers/naming.ts";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { LongText } from "../../../platform/schema/text.ts";
import { MAX_MESSAGES, MAX_TOOLS, ToolName } from "../../conversation-fields.ts";
import { KeepAliveField, ModelName } from "../../model-name.ts";
import { FormFields } from "../answer-form.ts";
import { SamplingFields, StreamFields } from "../fields.ts";

const Tool = Type.Object({
  type: Type.String(),
  name: Type.Optional(ToolName),
  description: OrNull(LongText),
  parameters: OrNull(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  strict: OrNull(Type.Boolean()),
  /** Of a custom tool: the form of its text. */
  format: OrNull(Type.Unsafe<{ readonly definition?: unknown }>({ type: "object" })),
  /** Of an MCP server. */
  server_label: Type.Optional(Type.String({ maxLength: 64, format: "text" })),
  server_url: OrNull(Type.String({ maxLength: 2000, format: "text" })),
  allowed_tools: OrNull(
    Type.Unsafe<string[] | { tool_names?: string[]; read_only?: boolean }>({ type: ["array", "object"] }),
  ),
  require_approval: OrNull(Type.Unsafe<ApprovalFilters>({ type: ["string", "object"] })),
  authorization: OrNull(Type.String()),
  connector_id: OrNull(Type.String()),
  headers: OrNull(Type.Unsafe<object>({ type: "object" })),
  tunnel_id: OrNull(Type.String()),
  /** Of a namespace: its tools, checked where they are read. */
  tools: OrNull(Type.Array(Type.Unknown(), { maxItems: MAX_TOOLS })),
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

const Id = Type.String({ minLength: 1, maxLength: 128, format: "text" });

/** Body of `POST /v1/responses`; docs/openai.md says of every parameter what becomes of it. */
export const ResponseBody = Type.Object({
  model: OrNull(ModelName),
  ...KeepAliveField,
  input: Type.Unsafe<string | unknown[]>({
    type: ["string", "array"],
    minItems: 1,
    maxItems: MAX_MESSAGES,
  }),
  instructions: OrNull(LongText),
  previous_response_id: OrNull(Id),
  conversation: OrNull(
    Type.Union([Id, Type.Object({ id: Id })], {
      description:
        "A conversation to answer in: its items come before the input, and input and output are added to it.",
    }),
  ),
  background: OrNull(
    Type.Boolean({
      description: "Answer at once, and make the response afterwards, whatever becomes of the client.",
    }),
  ),
  store: OrNull(Type.Boolean({ default: true, description: "Keep the response, to be continued later." })),
  max_tool_calls: OrNull(
    Type.Integer({ minimum: 1, description: "Calls of MCP servers' tools that are run for one response." }),
  ),
  max_output_tokens: OrNull(Type.Integer({ minimum: 1 })),
  max_tokens: OrNull(Type.Integer({ minimum: 1, description: "Extra: as max_output_tokens." })),
  tools: OrNull(Type.Array(Tool, { maxItems: MAX_TOOLS })),
  tool_choice: OrNull(
    Type.Unsafe<string | { type?: unknown; name?: unknown }>({ type: ["string", "object"] }),
  ),
  parallel_tool_calls: OrNull(Type.Boolean({ default: true })),
  text: OrNull(Type.Object({ format: OrNull(TextFormat), verbosity: OrNull(Type.String()) })),
  top_logprobs: OrNull(Type.Integer({ minimum: 0, maximum: 20 })),
  metadata: OrNull(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  user: OrNull(Type.String({ maxLength: 1000, format: "text" })),
  include: OrNull(Type.Array(Type.String())),
  reasoning: OrNull(Type.Unsafe<{ effort?: unknown; summary?: unknown }>({ type: "object" })),
  ...SamplingFields,
  ...FormFields,
  ...StreamFields,
});
export type ResponseBody = Static<typeof ResponseBody>;

/** Body of `POST /v1/responses/input_tokens`: what of a response is read. */
export const InputTokensBody = Type.Object({
  ...ResponseBody.properties,
  input: Type.Optional(Type.Union([ResponseBody.properties.input, Type.Null()])),
});
export type InputTokensBody = Static<typeof InputTokensBody>;
