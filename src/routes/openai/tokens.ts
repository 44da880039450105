import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ModelName } from "../../dialects/model-name.ts";
import { toMessages } from "../../dialects/openai/chat/messages.ts";
import { ChatCompletionBody } from "../../dialects/openai/chat/schema.ts";
import { InvalidRequestError } from "../../errors.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { isSet, OrNull } from "../../platform/schema/nullable.ts";
import { LongText } from "../../platform/schema/text.ts";
import { nextSlice } from "../../platform/slices.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { withModel } from "./with-model.ts";

const TokenizeBody = Type.Object({
  model: OrNull(ModelName),
  content: OrNull(LongText),
  prompt: OrNull(LongText),
  messages: Type.Optional(ChatCompletionBody.properties.messages),
  add_special: OrNull(
    Type.Boolean({ default: false, description: "Put the model's beginning-of-sequence token first." }),
  ),
  parse_special: OrNull(
    Type.Boolean({ default: false, description: "Read `<|im_start|>` and the like as special tokens." }),
  ),
});

const Tokens = answerSchema(
  { tokens: Type.Array(Type.Integer()), count: Type.Integer(), max_model_len: Type.Integer() },
  "The tokens of a text or of a conversation.",
);

const DetokenizeBody = Type.Object({
  model: OrNull(ModelName),
  tokens: Type.Array(Type.Integer({ minimum: 0, maximum: 2_147_483_647 }), { maxItems: 1_000_000 }),
});

const Text = answerSchema(
  { content: Type.String(), prompt: Type.String() },
  "The text of tokens, under both its names.",
);

/** Token ids that are written before other requests have their turn. */
const AT_ONCE = 16_384;

async function joined(tokens: readonly number[]): Promise<string> {
  const pieces: string[] = [];
  for (let start = 0; start < tokens.length; start += AT_ONCE) {
    pieces.push(tokens.slice(start, start + AT_ONCE).join(","));
    await nextSlice();
  }
  return pieces.join(",");
}

/** What llama.cpp's server and vLLM offer beside OpenAI's routes, with the field names of both. */
export function tokenRoutes(models: ServedModels): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["Tokens"];
    app.post(
      "/v1/tokenize",
      {
        config,
        schema: {
          tags,
          summary: "Token ids of a text, or of messages with the template applied",
          body: TokenizeBody,
          response: responseSchemas(Tokens, 400, 401, 404, 503),
        },
      },
      ({ body, context }, reply) => {
        const text = body.content ?? body.prompt;
        if (isSet(text) === (body.messages !== undefined)) {
          throw new InvalidRequestError("content is required, or messages, and not both.", {
            param: "content",
          });
        }
        return withModel(models, body, context, async ({ engine, assistant }) => {
          const prompt = isSet(text)
            ? {
                parts: [{ type: "text" as const, text, parseSpecial: body.parse_special ?? false }],
                addBos: body.add_special ?? false,
              }
            : assistant.render({ messages: toMessages(body.messages ?? [], []) });
          const tokens = await engine.tokenize(prompt, context.signal);
          const rest = { count: tokens.length, max_model_len: engine.describe().contextWindow };
          if (tokens.length > AT_ONCE) {
            const json = JSON.stringify(rest).replace("{", `{"tokens":[${await joined(tokens)}],`);
            reply.type("application/json; charset=utf-8").serializer(() => json);
          }
          return { tokens, ...rest };
        });
      },
    );
    app.post(
      "/v1/detokenize",
      {
        config,
        schema: {
          tags,
          summary: "Text of tokens",
          body: DetokenizeBody,
          response: responseSchemas(Text, 400, 401, 404, 503),
        },
      },
      ({ body, context }) => {
        return withModel(models, body, context, async ({ engine }) => {
          const text = await engine.detokenize(body.tokens, context.signal);
          return { content: text, prompt: text };
        });
      },
    );
  };
}
