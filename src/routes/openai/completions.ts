import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Completion, CompletionBody } from "../../dialects/openai/completions/schema.ts";
import type { Completions } from "../../dialects/openai/completions/service.ts";
import { markCached } from "../../http/cached-answer.ts";
import { responses } from "../../http/schema.ts";
import { type StreamedEvent, streamEvents } from "./stream.ts";
import { turnOptions } from "./turn-options.ts";

export function completionRoutes(completions: Completions): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["OpenAI"],
      summary: "Text completion",
      body: CompletionBody,
      response: responses(Completion, 400, 401, 404, 429, 503),
    };
    app.post("/v1/completions", { schema }, async (request, reply) => {
      const { body } = request;
      const options = turnOptions(request, reply, body.model);
      if (body.stream === true)
        return streamEvents(request, reply, asEvents(completions.stream(body, options)), { last: "[DONE]" });
      const completion = await completions.complete(body, options);
      markCached(reply, completion);
      return completion;
    });
  };
}

async function* asEvents(chunks: AsyncIterable<Completion>): AsyncIterable<StreamedEvent> {
  for await (const data of chunks) yield { data };
}
