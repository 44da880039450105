import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Completion, CompletionBody } from "../../dialects/openai/completions/schema.ts";
import type { Completions } from "../../dialects/openai/completions/service.ts";
import { markCached } from "../../http/cached-answer.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { responses } from "../../http/schema.ts";
import { streamEvents } from "../../http/stream-events.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { streamWithModel, withModel } from "./with-model.ts";

export function completionRoutes(
  models: ServedModels,
  completions: (model: ServedModel) => Completions,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["OpenAI"],
      summary: "Text completion",
      body: CompletionBody,
      response: responses(Completion, 400, 401, 404, 429, 503),
    };
    app.post("/v1/completions", { schema }, async (request, reply) => {
      const { body, context } = request;
      context.account.note({ model: body.model ?? null });
      if (body.stream === true) {
        const chunks = streamWithModel(models, body.model, context, (model) =>
          completions(model).stream(body, context),
        );
        return streamEvents(request, reply, { events: asEvents(chunks), last: "[DONE]" });
      }
      const completion = await withModel(models, body.model, context, (model) =>
        completions(model).complete(body, context),
      );
      markCached(reply, completion);
      return completion;
    });
  };
}

async function* asEvents(chunks: AsyncIterable<Completion>): AsyncIterable<SentEvent> {
  for await (const data of chunks) yield { data };
}
