import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { LongText } from "../../platform/schema/text.ts";
import { IncludeField } from "../../telemetry/answer-account.ts";
import { MAX_MESSAGES, MAX_TOOLS, ToolName } from "../conversation-fields.ts";
import { LocalSamplingFields } from "../local-sampling.ts";
import { KeepAliveField, ModelName } from "../model-name.ts";

/** Text, or blocks; clients send neither, too. */
const Content = Type.Optional(Type.Unknown({ description: "Text, or a list of content blocks." }));

const ToolConfig = Type.Object({ enabled: OrNull(Type.Boolean()) });

const Tool = Type.Object({
  type: OrNull(Type.String()),
  name: Type.Optional(ToolName),
  description: OrNull(LongText),
  strict: OrNull(Type.Boolean()),
  input_schema: Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: "object" })),
  /** Those of a toolset. */
  mcp_server_name: Type.Optional(Type.String({ maxLength: 128 })),
  default_config: OrNull(ToolConfig),
  configs: OrNull(Type.Record(Type.String(), ToolConfig)),
  tools: OrNull(Type.Array(Type.Object({ name: Type.String() }), { maxItems: MAX_TOOLS })),
});
export type AnthropicTool = Static<typeof Tool>;

const McpServer = Type.Object({
  type: OneOf(["url"]),
  name: Type.String({ minLength: 1, maxLength: 128, format: "text" }),
  url: Type.String({ maxLength: 2_048 }),
  authorization_token: OrNull(Type.String()),
  tool_configuration: OrNull(
    Type.Object({ enabled: OrNull(Type.Boolean()), allowed_tools: OrNull(Type.Array(Type.String())) }),
  ),
});
export type McpServerField = Static<typeof McpServer>;

const conversation = {
  model: OrNull(ModelName),
  messages: Type.Array(Type.Object({ role: OneOf(["user", "assistant", "system"]), content: Content }), {
    minItems: 1,
    maxItems: MAX_MESSAGES,
  }),
  system: Content,
  tools: OrNull(Type.Array(Tool, { maxItems: MAX_TOOLS })),
  mcp_servers: OrNull(
    Type.Array(McpServer, {
      maxItems: 32,
      description: "Servers of MCP_SERVERS_FILE, by their URLs, whose tools this server calls.",
    }),
  ),
  tool_choice: OrNull(
    Type.Object({
      type: OneOf(["auto", "any", "tool", "none"]),
      name: Type.Optional(Type.String()),
      disable_parallel_tool_use: OrNull(Type.Boolean()),
    }),
  ),
};

const OutputFormat = Type.Object({
  type: OneOf(["json_schema"]),
  schema: Type.Unsafe<Record<string, unknown>>({ type: "object" }),
});

export const CountTokensBody = Type.Object(conversation);
export type CountTokensBody = Static<typeof CountTokensBody>;

/** Body of `POST /v1/messages`, Anthropic's Messages API. */
export const MessagesBody = Type.Object({
  ...conversation,
  max_tokens: Type.Integer({
    minimum: 1,
    description: "Tokens to generate at most; the context window may end the answer earlier.",
  }),
  temperature: OrNull(Type.Number({ minimum: 0, maximum: 1, default: 1 })),
  top_p: OrNull(Type.Number({ minimum: 0, maximum: 1 })),
  ...LocalSamplingFields,
  stop_sequences: OrNull(
    Type.Array(Type.String({ minLength: 1, maxLength: 1000, format: "text" }), { maxItems: 16 }),
  ),
  /** The older name of `output_config.format`. */
  output_format: OrNull(OutputFormat),
  output_config: OrNull(
    Type.Object({
      format: OrNull(OutputFormat),
      effort: OrNull(Type.String()),
      task_budget: Type.Optional(Type.Unknown()),
    }),
  ),
  thinking: OrNull(Type.Unsafe<{ type?: unknown; budget_tokens?: unknown }>({ type: "object" })),
  stream: OrNull(Type.Boolean({ default: false })),
  seed: OrNull(Type.Integer({ description: "Extra." })),
  ...KeepAliveField,
  ...IncludeField,
});
export type MessagesBody = Static<typeof MessagesBody>;
