import type { FastifyReply, FastifyRequest } from "fastify";
import { markCached } from "../../http/cached-answer.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { streamEvents } from "../../http/stream-events.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { streamWithModel, type WantedModel, withModel } from "./with-model.ts";

interface Body extends WantedModel {
  readonly stream?: boolean | null;
}

interface Service<B, Completion, Chunk> {
  complete(body: B, context: RequestContext): Promise<Completion>;
  stream(body: B, context: RequestContext): AsyncIterable<Chunk>;
}

/** Answers a completion of any dialect: whole, or as chunks, after which comes `last` where the dialect ends streams so. */
export function answerCompletion<B extends Body, Completion extends object, Chunk extends object>(
  models: ServedModels,
  service: (model: ServedModel) => Service<B, Completion, Chunk>,
  last?: "[DONE]",
) {
  return async (request: FastifyRequest, reply: FastifyReply, body: B): Promise<Completion | undefined> => {
    const { context } = request;
    context.account.note({ model: body.model ?? null });
    if (body.stream === true) {
      const chunks = streamWithModel(models, body, context, (model) => service(model).stream(body, context));
      await streamEvents(request, reply, { events: asEvents(chunks), ...(last !== undefined && { last }) });
      return undefined;
    }
    const completion = await withModel(models, body, context, (model) =>
      service(model).complete(body, context),
    );
    markCached(reply, completion);
    return completion;
  };
}

async function* asEvents(chunks: AsyncIterable<object>): AsyncIterable<SentEvent> {
  for await (const data of chunks) yield { data };
}
