import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { MessageEvent } from "../../dialects/anthropic/output.ts";
import { CountTokensBody, MessagesBody } from "../../dialects/anthropic/schema.ts";
import type { Messages } from "../../dialects/anthropic/service.ts";
import { Answer, responses } from "../../http/schema.ts";
import { type StreamedEvent, streamEvents } from "./stream.ts";
import { turnOptions } from "./turn-options.ts";

const Message = Type.Object(
  { id: Type.String(), type: Type.String() },
  { additionalProperties: true, description: "A message, as Anthropic's API reference has it." },
);
const Count = Answer(
  { input_tokens: Type.Integer() },
  "Tokens of a conversation, template and tools included.",
);

export function messageRoutes(messages: Messages): FastifyPluginAsyncTypebox {
  return async (app) => {
    const tags = ["Anthropic"];
    app.post(
      "/v1/messages",
      {
        schema: {
          tags,
          summary: "Message, in Anthropic's shape",
          body: MessagesBody,
          response: responses(Message, 400, 401, 404, 429, 503),
        },
      },
      async (request, reply) => {
        const { body } = request;
        const options = turnOptions(request, reply, body.model);
        if (body.stream === true)
          return streamEvents(request, reply, named(messages.stream(body, options)), { errorEvent: "error" });
        return messages.create(body, options) as Promise<{ id: string; type: string }>;
      },
    );
    app.post(
      "/v1/messages/count_tokens",
      {
        schema: {
          tags,
          summary: "Count a message's input tokens",
          body: CountTokensBody,
          response: responses(Count, 400, 401, 404, 503),
        },
      },
      (request) => messages.countTokens(request.body),
    );
  };
}

async function* named(events: AsyncIterable<MessageEvent>): AsyncIterable<StreamedEvent> {
  for await (const data of events) yield { event: data.type, data };
}
