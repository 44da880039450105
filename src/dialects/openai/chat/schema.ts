import { type Static, Type } from "typebox";
import { OrNull } from "../../../platform/schema/nullable.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import { LongText } from "../../../platform/schema/text.ts";
import { AccountField, IncludeField } from "../../../telemetry/answer-account.ts";
import { MAX_MESSAGES, MAX_TOOLS, ToolName } from "../../conversation-fields.ts";
import { LocalLimitFields } from "../../local-sampling.ts";
import { KeepAliveField, ModelName } from "../../model-name.ts";
import { NotHonouredField } from "../../notes.ts";
import { CachedField, OpenAiTimings, UsageSchema } from "../accounting.ts";
import { FormFields } from "../answer-form.ts";
import { ReproducibleField, SamplingFields, StreamFields } from "../fields.ts";
import { TokenLogprob } from "../logprobs.ts";
import { ProgressFields, ProgressRequestField } from "../progress.ts";

const Schema = Type.Unsafe<Record<string, unknown>>({ type: "object" });

/** A history is what a client has of it: names and ids may be missing, arguments cut. */
const ToolCall = Type.Unsafe<Readonly<Record<string, unknown>>>({ type: "object" });

export const roles = ["system", "developer", "user", "assistant", "tool", "function"] as const;

const Message = Type.Object({
  role: OneOf(roles),
  content: Type.Optional(Type.Unknown({ description: "Text, or a list of parts." })),
  name: OrNull(Type.String({ maxLength: 256, format: "text" })),
  reasoning_content: OrNull(LongText),
  reasoning: OrNull(LongText),
  tool_calls: OrNull(Type.Array(ToolCall, { maxItems: 1024 })),
  tool_call_id: OrNull(Type.String({ maxLength: 256, format: "text" })),
  function_call: OrNull(ToolCall),
});
export type RequestMessage = Static<typeof Message>;

const FunctionDeclaration = Type.Object({
  name: ToolName,
  description: OrNull(LongText),
  parameters: OrNull(Schema),
  strict: OrNull(Type.Boolean()),
});
export type RequestFunction = Static<typeof FunctionDeclaration>;

const CustomDeclaration = Type.Object({
  name: ToolName,
  description: OrNull(LongText),
  format: OrNull(Type.Unsafe<{ readonly grammar?: { readonly definition?: unknown } }>({ type: "object" })),
});

const Tool = Type.Object({
  type: Type.String(),
  function: Type.Optional(FunctionDeclaration),
  custom: Type.Optional(CustomDeclaration),
});

const ResponseFormat = Type.Object({
  type: OneOf(["text", "json_object", "json_schema"]),
  /** llama.cpp's, of a `json_object`. */
  schema: OrNull(Schema),
  json_schema: Type.Optional(
    Type.Object({
      name: OrNull(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" })),
      description: OrNull(LongText),
      schema: OrNull(Schema),
      strict: OrNull(Type.Boolean()),
    }),
  ),
});
export type ResponseFormat = Static<typeof ResponseFormat>;

const Choose = Type.Unsafe<
  string | { type?: unknown; name?: unknown; function?: { name?: unknown }; custom?: { name?: unknown } }
>({ type: ["string", "object"] });

/** As many pairs as OpenAI takes. */
export const Metadata = Type.Record(
  Type.String({ maxLength: 64 }),
  Type.String({ maxLength: 512, format: "text" }),
  {
    maxProperties: 16,
  },
);

/** Body of `POST /v1/chat/completions`; docs/openai.md says of every parameter what becomes of it. */
export const ChatCompletionBody = Type.Object({
  model: OrNull(ModelName),
  ...KeepAliveField,
  messages: Type.Array(Message, { minItems: 1, maxItems: MAX_MESSAGES }),
  max_completion_tokens: OrNull(
    Type.Integer({ minimum: 1, description: "Maximum number of tokens to generate." }),
  ),
  max_tokens: OrNull(
    Type.Integer({
      minimum: -1,
      description: "The older name of max_completion_tokens; -1 is what the window has room for.",
    }),
  ),
  ...LocalLimitFields,
  n: OrNull(Type.Integer({ minimum: 1, maximum: 128, default: 1, description: "Answers to make." })),
  ...SamplingFields,
  logprobs: OrNull(Type.Boolean({ default: false })),
  top_logprobs: OrNull(Type.Integer({ minimum: 0, maximum: 20 })),
  response_format: OrNull(ResponseFormat),
  json_schema: OrNull(
    Type.Unsafe<Record<string, unknown>>({
      type: "object",
      description: "Extra: a schema, as llama.cpp takes it.",
    }),
  ),
  tools: OrNull(Type.Array(Tool, { maxItems: MAX_TOOLS })),
  tool_choice: OrNull(Choose),
  functions: OrNull(
    Type.Array(FunctionDeclaration, { maxItems: MAX_TOOLS, description: "The older form of tools." }),
  ),
  function_call: OrNull(Choose),
  continue_final_message: OrNull(
    Type.Boolean({ default: false, description: "Extra: continue the last message, the assistant's." }),
  ),
  parallel_tool_calls: OrNull(Type.Boolean({ default: true })),
  reasoning_effort: OrNull(
    Type.String({ description: "none asks a template that can to skip the reasoning." }),
  ),
  enable_thinking: OrNull(Type.Boolean({ description: "Extra: as the variable of chat_template_kwargs." })),
  thinking: OrNull(
    Type.Unsafe<{ type?: unknown; budget_tokens?: unknown }>({
      type: "object",
      description: "Extra: as in Anthropic's messages; its type is enabled or disabled.",
    }),
  ),
  thinking_budget: OrNull(
    Type.Integer({ minimum: 0, description: "Extra: tokens after which the model's thoughts are ended." }),
  ),
  chat_template_kwargs: OrNull(
    Type.Unsafe<Record<string, unknown>>({
      type: "object",
      description: "Extra: variables of the chat template, such as enable_thinking.",
    }),
  ),
  store: OrNull(
    Type.Boolean({ default: false, description: "Keep the completion, to be listed and read later." }),
  ),
  metadata: OrNull(Metadata),
  ...StreamFields,
  ...ProgressRequestField,
  ...ReproducibleField,
  ...IncludeField,
  ...FormFields,
});
export type ChatCompletionBody = Static<typeof ChatCompletionBody>;

const Logprobs = Type.Union([
  Type.Object({ content: Type.Array(TokenLogprob), refusal: Type.Null() }),
  Type.Null(),
]);
const NullableText = Type.Union([Type.String(), Type.Null()]);

const Reasoning = Type.Optional(Type.String({ description: "Extra: the model's thoughts." }));
/** Thoughts under both the names that clients read. */
const ReasoningFields = { reasoning_content: Reasoning, reasoning: Reasoning };

/** What a client sends is checked, what goes out need not be. */
const FunctionCall = Type.Object({ name: Type.String(), arguments: Type.String() });
const AnsweredToolCall = Type.Object({
  id: Type.String(),
  type: OneOf(["function", "custom"]),
  function: Type.Optional(FunctionCall),
  custom: Type.Optional(Type.Object({ name: Type.String(), input: Type.String() })),
});
const FinishReason = OneOf(["stop", "length", "tool_calls", "function_call"]);

export const ChatCompletion = Type.Object({
  id: Type.String(),
  object: OneOf(["chat.completion"]),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Type.Integer(),
      message: Type.Object({
        role: OneOf(["assistant"]),
        content: NullableText,
        ...ReasoningFields,
        refusal: Type.Null(),
        annotations: Type.Array(Type.Object({})),
        tool_calls: Type.Optional(Type.Array(AnsweredToolCall)),
        function_call: Type.Optional(FunctionCall),
      }),
      logprobs: Logprobs,
      finish_reason: FinishReason,
    }),
  ),
  usage: UsageSchema,
  service_tier: Type.String(),
  system_fingerprint: Type.String(),
  timings: OpenAiTimings,
  ...AccountField,
  ...CachedField,
  ...NotHonouredField,
  request_id: Type.Optional(Type.String()),
});
export type ChatCompletion = Static<typeof ChatCompletion>;

const FunctionDelta = Type.Object({ name: Type.Optional(Type.String()), arguments: Type.String() });
const ToolCallDelta = Type.Object({
  index: Type.Integer(),
  id: Type.Optional(Type.String()),
  type: Type.Optional(OneOf(["function", "custom"])),
  function: Type.Optional(FunctionDelta),
  custom: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), input: Type.String() })),
});

export const ChatCompletionChunk = Type.Object({
  id: Type.String(),
  object: OneOf(["chat.completion.chunk"]),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Type.Integer(),
      delta: Type.Object({
        role: Type.Optional(OneOf(["assistant"])),
        content: Type.Optional(NullableText),
        ...ReasoningFields,
        refusal: Type.Optional(Type.Null()),
        tool_calls: Type.Optional(Type.Array(ToolCallDelta)),
        function_call: Type.Optional(FunctionDelta),
      }),
      logprobs: Logprobs,
      finish_reason: Type.Union([FinishReason, Type.Null()]),
    }),
  ),
  usage: Type.Optional(Type.Union([UsageSchema, Type.Null()])),
  service_tier: Type.String(),
  system_fingerprint: Type.String(),
  timings: Type.Optional(OpenAiTimings),
  ...ProgressFields,
  ...AccountField,
  ...CachedField,
  ...NotHonouredField,
});
export type ChatCompletionChunk = Static<typeof ChatCompletionChunk>;
