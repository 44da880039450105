import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { markCached } from "../../http/cached-answer.ts";
import { disconnectSignal } from "../../http/event-stream.ts";
import { responses } from "../../http/schema.ts";
import { ChatCompletion, ChatCompletionBody, type ChatCompletionChunk } from "../../openai/chat/schema.ts";
import type { ChatCompletions } from "../../openai/chat/service.ts";
import { type StreamedEvent, streamEvents } from "./stream.ts";

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
      const options = { arrivedAt: request.arrivedAt, signal: disconnectSignal(reply) };
      request.logFields["model"] = body.model;
      if (body.stream === true) {
        return streamEvents(request, reply, asEvents(completions.stream(body, options), request.logFields), {
          last: "[DONE]",
        });
      }
      const completion = await completions.complete(body, options);
      Object.assign(request.logFields, usageFields(completion.usage));
      markCached(reply, completion);
      return completion;
    });
  };
}

async function* asEvents(
  chunks: AsyncIterable<ChatCompletionChunk>,
  logFields: Record<string, unknown>,
): AsyncIterable<StreamedEvent> {
  for await (const chunk of chunks) {
    if (chunk.timings !== undefined) Object.assign(logFields, { decode_ms: chunk.timings.decode_ms });
    yield { data: chunk };
  }
}

export function usageFields(usage: { readonly prompt_tokens: number; readonly completion_tokens: number }) {
  return { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens };
}
