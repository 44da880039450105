import { Type } from "typebox";
import type { AnswerForm, Turn } from "../../assistant/turn.ts";
import { LongText } from "../../platform/schema/text.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { Timings, timings } from "../../telemetry/timings.ts";
import { MAX_MESSAGES } from "../conversation-fields.ts";
import { ModelName } from "../model-name.ts";
import { type McpTool, tool } from "./tool.ts";

const Message = Type.Object({
  role: Type.Union([Type.Literal("system"), Type.Literal("user"), Type.Literal("assistant")]),
  content: LongText,
});

const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  cached_prompt_tokens: Type.Integer({ description: "Of these, taken from the KV cache." }),
  completion_tokens: Type.Integer(),
  reasoning_tokens: Type.Integer({ description: "Of these, thoughts." }),
});

/** One answer of a served model. */
export function chatTool(models: ServedModels): McpTool {
  return tool({
    name: "chat",
    title: "Chat",
    description: "Has a language model of this server answer a conversation, as text or as JSON of a schema.",
    input: Type.Object({
      messages: Type.Array(Message, { minItems: 1, maxItems: MAX_MESSAGES }),
      model: Type.Optional(ModelName),
      max_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
      temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
      seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
      schema: Type.Optional(
        Type.Object(
          {},
          { additionalProperties: true, description: "A JSON Schema that the answer keeps to." },
        ),
      ),
    }),
    output: Type.Object({
      text: Type.String(),
      reasoning: Type.Optional(Type.String({ description: "The model's thoughts." })),
      model: Type.String(),
      finish_reason: Type.String(),
      usage: Usage,
      timings: Timings,
    }),
    hints: { readOnlyHint: true, idempotentHint: false },
    run: async ({ messages, model, max_tokens: maxTokens, temperature, seed, schema }, context, progress) => {
      using lease = await models.leaseNamed(model, context);
      const { assistant, engine } = lease.model;
      const form: AnswerForm =
        schema === undefined ? { type: "text" } : { type: "schema", schema, path: "schema" };
      const turn: Turn = {
        messages,
        tools: [],
        toolChoice: { type: "none" },
        parallelToolCalls: false,
        form,
        sampling: { temperature: temperature ?? 1, ...(seed !== undefined && { seed }) },
        ...(maxTokens !== undefined && { maxTokens }),
        stop: [],
      };
      const plan = await assistant.plan(turn, context.signal);
      const texts = { text: "", reasoning: "", call: "" };
      let kind: keyof typeof texts = "text";
      let pieces = 0;
      for await (const event of assistant.answer(plan, 0, context)) {
        if (event.type === "block_start") kind = event.kind;
        if (event.type === "delta") {
          texts[kind] += event.text;
          progress(++pieces);
        }
        if (event.type === "done")
          return {
            text: texts.text,
            structured: {
              text: texts.text,
              ...(texts.reasoning !== "" && { reasoning: texts.reasoning }),
              model: engine.describe().name,
              finish_reason: event.finishReason,
              usage: {
                prompt_tokens: event.usage.promptTokens,
                cached_prompt_tokens: event.usage.cachedPromptTokens,
                completion_tokens: event.usage.completionTokens,
                reasoning_tokens: event.usage.reasoningTokens,
              },
              timings: timings([event]),
            },
          };
      }
      throw new Error("an answer ended without saying how");
    },
  });
}
