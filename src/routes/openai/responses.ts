import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { OutputEvent } from "../../dialects/openai/responses/output.ts";
import { InputTokensBody, ResponseBody } from "../../dialects/openai/responses/schema.ts";
import type { Responses } from "../../dialects/openai/responses/service.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { errorEvent, streamEvents } from "../../http/stream-events.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { streamWithModel, withModel } from "./with-model.ts";

/** Items of many shapes; OpenAI's reference describes them. */
const Response = Type.Object(
  { id: Type.String(), object: Type.String() },
  { additionalProperties: true, description: "A response, as in OpenAI's API reference." },
);
const InputTokens = answerSchema(
  { object: OneOf(["response.input_tokens"]), input_tokens: Type.Integer() },
  "Tokens of instructions, input and tools.",
);
const OrNone = Type.Union([Type.String(), Type.Null()]);
const InputItems = answerSchema(
  {
    object: OneOf(["list"]),
    data: Type.Array(Type.Object({}, { additionalProperties: true })),
    first_id: OrNone,
    last_id: OrNone,
    has_more: Type.Boolean(),
  },
  "Items of a response's own input, the latest first.",
);
const Id = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) });

export function responseRoutes(
  models: ServedModels,
  responses: (model: ServedModel) => Responses,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["OpenAI"];
    app.post(
      "/v1/responses",
      {
        config,
        schema: {
          tags,
          summary: "Response",
          body: ResponseBody,
          response: responseSchemas(Response, 400, 401, 404, 429, 503),
        },
      },
      async (request, reply) => {
        const { body, context } = request;
        context.account.note({ model: body.model ?? null });
        if (body.stream === true) {
          const events = streamWithModel(models, body.model, context, (model) =>
            responses(model).stream(body, context),
          );
          return streamEvents(request, reply, { events: named(events), formatError: errorEvent });
        }
        return withModel(models, body.model, context, (model) =>
          responses(model).create(body, context),
        ) as Promise<{ id: string; object: string }>;
      },
    );
    const one = { tags, params: Id, response: responseSchemas(Response, 401, 404) };
    app.get(
      "/v1/responses/:id",
      { config, schema: { ...one, summary: "Show a stored response" } },
      (request) => {
        return responses(models.default).get(request.params.id) as Promise<{ id: string; object: string }>;
      },
    );
    app.get(
      "/v1/responses/:id/input_items",
      {
        config,
        schema: {
          tags,
          params: Id,
          summary: "List a stored response's input",
          querystring: Type.Object({
            limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
            order: OneOf(["asc", "desc"], { default: "desc" }),
            after: Type.Optional(Type.String({ maxLength: 128 })),
          }),
          response: responseSchemas(InputItems, 400, 401, 404),
        },
      },
      ({ params, query }) => responses(models.default).inputItems(params.id, query),
    );
    app.post(
      "/v1/responses/input_tokens",
      {
        config,
        schema: {
          tags,
          summary: "Count a response's input tokens",
          body: InputTokensBody,
          response: responseSchemas(InputTokens, 400, 401, 404, 503),
        },
      },
      async ({ body, context }) => ({
        object: "response.input_tokens" as const,
        input_tokens: await withModel(models, body.model, context, (model) =>
          responses(model).countTokens(body, context),
        ),
      }),
    );
    app.delete(
      "/v1/responses/:id",
      { config, schema: { ...one, summary: "Delete a stored response" } },
      (request) => {
        return responses(models.default).delete(request.params.id) as Promise<{ id: string; object: string }>;
      },
    );
  };
}

async function* named(events: AsyncIterable<OutputEvent>): AsyncIterable<SentEvent> {
  for await (const data of events) yield { event: data.type, data };
}
