import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { BackgroundResponses } from "../../dialects/openai/responses/background.ts";
import type { OutputEvent } from "../../dialects/openai/responses/output.ts";
import { InputTokensBody, ResponseBody } from "../../dialects/openai/responses/schema.ts";
import type { Responses } from "../../dialects/openai/responses/service.ts";
import { InvalidRequestError } from "../../errors.ts";
import type { SentEvent } from "../../http/event-stream.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { errorEvent, streamEvents } from "../../http/stream-events.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { InputItems, ItemPage } from "./item-pages.ts";
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
const Id = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) });

const Started = Type.Optional(
  Type.Integer({ minimum: 0, description: "Events after the one of this number only." }),
);

export interface ResponseRoutes {
  readonly models: ServedModels;
  readonly responses: (model: ServedModel) => Responses;
  readonly background: BackgroundResponses;
}

export function responseRoutes({ models, responses, background }: ResponseRoutes): FastifyPluginAsyncTypebox {
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
        if (body.background === true) {
          const response = await background.create(body, context);
          if (body.stream !== true) return response;
          const events = background.follow(response.id, -1, context.signal);
          return streamEvents(request, reply, { events: named(events), formatError: errorEvent });
        }
        if (body.stream === true) {
          const events = streamWithModel(models, body, context, (model) =>
            responses(model).stream(body, context),
          );
          return streamEvents(request, reply, { events: named(events), formatError: errorEvent });
        }
        return withModel(models, body, context, (model) => responses(model).create(body, context));
      },
    );
    const one = { tags, params: Id, response: responseSchemas(Response, 401, 404) };
    app.get(
      "/v1/responses/:id",
      {
        config,
        schema: {
          ...one,
          summary: "Show a stored response, or follow one in the background",
          querystring: Type.Object({
            stream: Type.Optional(Type.Boolean({ description: "Its events, those to come too." })),
            starting_after: Started,
          }),
        },
      },
      async (request, reply) => {
        const { params, query, context } = request;
        const response = await responses(models.default).get(params.id);
        if (query.stream !== true) return response;
        if (response["background"] !== true)
          throw new InvalidRequestError("Only responses in the background can be followed.", {
            param: "stream",
          });
        const events = background.follow(params.id, query.starting_after ?? -1, context.signal);
        return streamEvents(request, reply, { events: named(events), formatError: errorEvent });
      },
    );
    app.post(
      "/v1/responses/:id/cancel",
      {
        config,
        schema: {
          tags,
          params: Id,
          summary: "End a response in the background",
          response: responseSchemas(Response, 400, 401, 404),
        },
      },
      ({ params }) => background.cancel(params.id),
    );
    app.get(
      "/v1/responses/:id/input_items",
      {
        config,
        schema: {
          tags,
          params: Id,
          summary: "List a stored response's input",
          querystring: ItemPage,
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
        input_tokens: await withModel(models, body, context, (model) =>
          responses(model).countTokens(body, context),
        ),
      }),
    );
    app.delete(
      "/v1/responses/:id",
      { config, schema: { ...one, summary: "Delete a stored response" } },
      (request) => {
        return responses(models.default).delete(request.params.id);
      },
    );
  };
}

async function* named(events: AsyncIterable<OutputEvent>): AsyncIterable<SentEvent> {
  for await (const data of events) yield { event: data.type, data };
}
