import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { InfillAnswer, InfillBody } from "../../dialects/infill/schema.ts";
import type { Infill } from "../../dialects/infill/service.ts";
import { markCached } from "../../http/cached-answer.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { responseSchemas } from "../../http/schema.ts";
import { streamEvents } from "../../http/stream-events.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { streamWithModel, withModel } from "./with-model.ts";

/** What editors complete code with. */
export function infillRoutes(
  models: ServedModels,
  infill: (model: ServedModel) => Infill,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["Inference"],
      summary: "Fill the gap between two pieces of code, in the shape of llama.cpp's server",
      body: InfillBody,
      response: responseSchemas(InfillAnswer, 400, 401, 404, 429, 503),
    };
    app.post("/infill", { config: { scope: "inference" }, schema }, async (request, reply) => {
      const { body, context } = request;
      context.account.note({ model: body.model ?? null });
      if (body.stream === true) {
        const pieces = streamWithModel(models, body, context, (model) => infill(model).stream(body, context));
        return streamEvents(request, reply, { events: asEvents(pieces) });
      }
      const answer = await withModel(models, body, context, (model) => infill(model).complete(body, context));
      markCached(reply, answer);
      return answer;
    });
  };
}

async function* asEvents(pieces: AsyncIterable<object>): AsyncIterable<SentEvent> {
  for await (const data of pieces) yield { data };
}
