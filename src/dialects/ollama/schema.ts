import { type Static, Type } from "typebox";
import { OrNull } from "../../platform/schema/nullable.ts";
import { LongText } from "../../platform/schema/text.ts";
import { IncludeField } from "../../telemetry/answer-account.ts";
import { MAX_MESSAGES, MAX_TOOLS, ToolName } from "../conversation-fields.ts";
import { LocalSamplingFields } from "../local-sampling.ts";
import { KeepAliveField } from "../model-name.ts";

const Schema = Type.Unsafe<Record<string, unknown>>({ type: "object" });
const Images = OrNull(Type.Array(Type.Unknown(), { description: "Refused: the model reads no images." }));

/** Sampling and limits; what is unknown here is about the machine, as `num_gpu`. */
const Options = Type.Object({
  temperature: OrNull(Type.Number({ minimum: 0, maximum: 100 })),
  ...LocalSamplingFields,
  top_p: OrNull(Type.Number({ minimum: 0, maximum: 1 })),
  presence_penalty: OrNull(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: OrNull(Type.Number({ minimum: -2, maximum: 2 })),
  seed: OrNull(Type.Integer()),
  num_predict: OrNull(Type.Integer({ minimum: -2, description: "-1 and -2 fill the window." })),
  stop: OrNull(
    Type.Unsafe<string | string[]>({
      type: ["string", "array"],
      items: { type: "string", minLength: 1 },
      maxItems: 64,
    }),
  ),
});
export type Options = Static<typeof Options>;

const common = {
  model: Type.String({ minLength: 1, maxLength: 256, format: "text" }),
  stream: OrNull(Type.Boolean({ default: true, description: "Answer with a line of JSON a piece." })),
  format: Type.Optional(Type.Unknown({ description: '`"json"`, or a JSON Schema.' })),
  options: OrNull(Options),
  think: OrNull(Type.Unsafe<boolean | string>({ type: ["boolean", "string"] })),
  ...KeepAliveField,
  ...IncludeField,
};

const Message = Type.Object({
  role: Type.String({ maxLength: 64, format: "text" }),
  content: Type.Optional(Type.Unknown()),
  thinking: OrNull(LongText),
  images: Images,
  tool_calls: OrNull(
    Type.Array(Type.Unsafe<Readonly<Record<string, unknown>>>({ type: "object" }), { maxItems: 1024 }),
  ),
  tool_name: OrNull(Type.String({ maxLength: 256, format: "text" })),
  tool_call_id: OrNull(Type.String({ maxLength: 256, format: "text" })),
});
export type OllamaMessage = Static<typeof Message>;

const Tool = Type.Object({
  type: OrNull(Type.String()),
  function: Type.Object({ name: ToolName, description: OrNull(LongText), parameters: OrNull(Schema) }),
});
export type OllamaTool = Static<typeof Tool>;

/** Body of `POST /api/chat`. */
export const ChatBody = Type.Object({
  ...common,
  messages: OrNull(Type.Array(Message, { maxItems: MAX_MESSAGES })),
  tools: OrNull(Type.Array(Tool, { maxItems: MAX_TOOLS })),
});
export type ChatBody = Static<typeof ChatBody>;

/** Body of `POST /api/generate`. */
export const GenerateBody = Type.Object({
  ...common,
  prompt: OrNull(Type.String({ description: "Text to answer." })),
  system: OrNull(Type.String()),
  raw: OrNull(
    Type.Boolean({ default: false, description: "Refused when true: /v1/completions continues a prompt." }),
  ),
  images: Images,
  suffix: OrNull(Type.String()),
  template: OrNull(Type.String()),
  context: OrNull(Type.Array(Type.Unknown())),
});
export type GenerateBody = Static<typeof GenerateBody>;

/** Body of `POST /api/embed`, and of the older `/api/embeddings` with its `prompt`. */
export const EmbedBody = Type.Object({
  model: common.model,
  input: Type.Optional(
    Type.Unsafe<string | string[]>({ type: ["string", "array"], items: { type: "string" }, maxItems: 2048 }),
  ),
  prompt: OrNull(Type.String()),
  dimensions: OrNull(Type.Integer({ minimum: 1 })),
  truncate: OrNull(Type.Boolean({ description: "A text that is too long is refused, never cut." })),
});
export type EmbedBody = Static<typeof EmbedBody>;

export const ShowBody = Type.Object({
  model: Type.Optional(common.model),
  name: Type.Optional(common.model),
  verbose: OrNull(Type.Boolean()),
});
export type ShowBody = Static<typeof ShowBody>;
