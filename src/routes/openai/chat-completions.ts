import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import {
  ChatCompletion,
  ChatCompletionBody,
  type ChatCompletionChunk,
} from "../../dialects/openai/chat/schema.ts";
import type { ChatCompletions } from "../../dialects/openai/chat/service.ts";
import { markCached } from "../../http/cached-answer.ts";
import { responses } from "../../http/schema.ts";
import { type StreamedEvent, streamEvents } from "./stream.ts";
import { turnOptions } from "./turn-options.ts";

export function chatCompletionRoutes(completions: ChatCompletions): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["OpenAI"],
      summary: "Chat completion",
      body: ChatCompletionBody,
      response: responses(ChatCompletion, 400, 401, 404, 429, 503),
    };
    app.post("/v1/chat/completions", { schema }, async (request, reply) => {
      const { body } = request;
      const options = turnOptions(request, reply, body.model);
      if (body.stream === true) {
        return streamEvents(request, reply, asEvents(completions.stream(body, options)), {
          last: "[DONE]",
        });
      }
      const completion = await completions.complete(body, options);
      markCached(reply, completion);
      return completion;
    });
  };
}

async function* asEvents(chunks: AsyncIterable<ChatCompletionChunk>): AsyncIterable<StreamedEvent> {
  for await (const data of chunks) yield { data };
}
