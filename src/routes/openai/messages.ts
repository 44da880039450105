import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { anthropicError, toAnthropicError } from "../../dialects/anthropic/errors.ts";
import type { MessageEvent } from "../../dialects/anthropic/output.ts";
import { CountTokensBody, MessagesBody } from "../../dialects/anthropic/schema.ts";
import type { Messages } from "../../dialects/anthropic/service.ts";
import { errorSender } from "../../http/error-envelope.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { answerSchema, responseSchemasWith } from "../../http/schema.ts";
import { streamEvents } from "../../http/stream-events.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { streamWithModel, withModel } from "./with-model.ts";

const Message = Type.Object(
  { id: Type.String(), type: Type.String() },
  { additionalProperties: true, description: "A message, as in Anthropic's API reference." },
);
const Count = answerSchema(
  { input_tokens: Type.Integer() },
  "Tokens of a conversation, template and tools included.",
);

export function messageRoutes(
  models: ServedModels,
  messages: (model: ServedModel) => Messages,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["Anthropic"];
    app.setErrorHandler(errorSender(toAnthropicError));
    app.post(
      "/v1/messages",
      {
        config,
        schema: {
          tags,
          summary: "Message, in Anthropic's shape",
          body: MessagesBody,
          response: responseSchemasWith(anthropicError, Message, 400, 401, 404, 413, 429, 529),
        },
      },
      async (request, reply) => {
        const { body, context } = request;
        context.account.note({ model: body.model ?? null });
        if (body.stream === true) {
          const events = streamWithModel(models, body, context, (model) =>
            messages(model).stream(body, context),
          );
          return streamEvents(request, reply, {
            events: named(events),
            formatError: (error, id) => ({ event: "error", data: toAnthropicError(error, id).body }),
          });
        }
        return withModel(models, body, context, (model) => messages(model).create(body, context));
      },
    );
    app.post(
      "/v1/messages/count_tokens",
      {
        config,
        schema: {
          tags,
          summary: "Count a message's input tokens",
          body: CountTokensBody,
          response: responseSchemasWith(anthropicError, Count, 400, 401, 404, 413, 529),
        },
      },
      ({ body, context }) =>
        withModel(models, body, context, (model) => messages(model).countTokens(body, context)),
    );
  };
}

async function* named(events: AsyncIterable<MessageEvent>): AsyncIterable<SentEvent> {
  for await (const data of events) yield { event: data.type, data };
}
