import { type Static, Type } from "typebox";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { LongText } from "../../../platform/schema/text.ts";
import { MAX_MESSAGES, MAX_TOOLS, ToolName } from "../../conversation-fields.ts";
import { ModelName } from "../../model-name.ts";
import { Metadata } from "../chat/schema.ts";

const Id = Type.String({ minLength: 1, maxLength: 128, format: "text" });
const Open = Type.Unsafe<Readonly<Record<string, unknown>>>({ type: "object" });

const Tool = Type.Object({
  type: Type.String(),
  name: Type.Optional(ToolName),
  description: OrNull(LongText),
  parameters: OrNull(Open),
  async: OrNull(Type.Boolean()),
  defer_loading: OrNull(Type.Boolean()),
  enabled: OrNull(Type.Boolean()),
  mode: OrNull(Type.String()),
  server_label: Type.Optional(Id),
  transport: OrNull(Type.Object({ type: Type.String(), server_url: Type.Optional(Type.String()) })),
  allowed_tools: OrNull(Type.Array(Type.String())),
  vector_store_ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 20 })),
  max_num_results: OrNull(Type.Integer({ minimum: 1, maximum: 50, default: 5 })),
});
export type ToolBody = Static<typeof Tool>;

const AgentFields = {
  instructions: OrNull(LongText),
  tools: OrNull(Type.Array(Tool, { maxItems: MAX_TOOLS })),
  text: OrNull(
    Type.Object({
      format: OrNull(Type.Object({ type: OneOf(["text", "json_schema"]), schema: Type.Optional(Open) })),
      verbosity: OrNull(Type.String()),
    }),
  ),
  reasoning: OrNull(
    Type.Object({
      effort: OrNull(OneOf(["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
      summary: OrNull(Type.String()),
    }),
  ),
  service_tier: OrNull(
    Type.String({ description: "`flex` takes part in the batch lane; others are the same here." }),
  ),
  multi_agent: OrNull(Type.Object({ enabled: Type.Boolean() })),
  temperature: OrNull(Type.Number({ minimum: 0, maximum: 2, default: 1, description: "Extra." })),
};

/** Body of `POST /v1/agents`. */
export const AgentBody = Type.Object({
  model: ModelName,
  name: OrNull(Type.String({ maxLength: 256, format: "text" })),
  metadata: OrNull(Metadata),
  ...AgentFields,
});
export type AgentBody = Static<typeof AgentBody>;

/** Body of `POST /v1/agents/{id}`: what is left out stays. */
export const AgentChange = Type.Partial(AgentBody);
export type AgentChange = Static<typeof AgentChange>;

const InlineAgent = Type.Object({ model: OrNull(ModelName), ...AgentFields });
export type InlineAgent = Static<typeof InlineAgent>;

const limit = (description: string, maximum = 1_000_000_000) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, description }));

const Limits = Type.Object(
  {
    max_steps: limit("Answers of the model; 32 by default."),
    max_tool_calls: limit("128 by default."),
    max_output_tokens: limit("Tokens that the model writes; 16,384 by default."),
    max_total_tokens: limit("Tokens that it reads and writes; 1,000,000 by default."),
    max_seconds: limit("Time at work, without waiting for people and clients; 3,600 by default.", 86_400),
    max_tool_output_tokens: limit("What of one output the model is given at once; 4,096 by default."),
    approval_seconds: limit("Time after which a call that was not approved is denied; a day by default."),
  },
  {
    description:
      "Extra: what one turn may use. A turn that reaches a limit ends in a last answer and not in an error.",
  },
);

const Rule = OneOf(["always", "never", "ask_unless_read_only"]);
const Approval = Type.Object(
  { default: Type.Optional(Rule), tools: Type.Optional(Type.Record(Type.String(), Rule)) },
  { description: "Extra: which calls of tools that run here wait for a person, by default and by tool." },
);

const Content = Type.Array(
  Type.Object({ type: Type.String(), text: Type.Optional(LongText) }, { additionalProperties: true }),
  { minItems: 1, maxItems: MAX_MESSAGES },
);
const Message = Type.Object({
  type: Type.Optional(OneOf(["message"])),
  role: OneOf(["user"]),
  content: Content,
});
const Messages = Type.Array(Message, { minItems: 1, maxItems: MAX_MESSAGES });

/** Body of `POST /v1/agents/sessions`. */
export const SessionBody = Type.Object({
  environment: Type.Object({ type: Type.String() }, { additionalProperties: true }),
  agent: OrNull(InlineAgent),
  agent_id: OrNull(Id),
  input: OrNull(
    Type.Unsafe<string | Static<typeof Messages>>({ anyOf: [LongText, Messages, { type: "null" }] }),
  ),
  metadata: OrNull(Metadata),
  review: OrNull(OneOf(["none", "auto_review"])),
  spend_control: OrNull(Type.Object({ limit: OrNull(Type.Number()) })),
  vault_ids: OrNull(Type.Array(Type.String())),
  stream: OrNull(Type.Boolean()),
  limits: OrNull(Limits),
  approval: OrNull(Approval),
  seed: OrNull(Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: "Extra." })),
});
export type SessionBody = Static<typeof SessionBody>;

export const SessionChange = Type.Object({ metadata: OrNull(Metadata) });

const InputEvent = Type.Object(
  {
    type: OneOf([
      "agent.session.input.message",
      "agent.session.input.cancel",
      "agent.session.input.tool_result",
      "agent.session.input.mcp_approval_request_result",
    ]),
    input: Type.Optional(Messages),
    turn_id: Type.Optional(Id),
    call_id: Type.Optional(Id),
    success: Type.Optional(Type.Boolean()),
    output: OrNull(Type.Unsafe<unknown>({ type: ["string", "array"] })),
    error: OrNull(LongText),
    request_id: Type.Optional(Id),
    response: Type.Optional(
      Type.Object({
        type: Type.Optional(Type.String()),
        decision: OneOf(["approve", "deny", "cancel"]),
        remember: Type.Optional(
          OneOf(["session"], { description: "Extra: approve the same tool for the whole session." }),
        ),
      }),
    ),
  },
  { description: "A message, a cancellation, a function's result, or a decision on a call." },
);
export type InputEvent = Static<typeof InputEvent>;

/** Body of `POST /v1/agents/sessions/{id}/events`. */
export const InputBody = Type.Object({ events: Type.Array(InputEvent, { minItems: 1, maxItems: 100 }) });
