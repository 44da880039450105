import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { KeptCompletions } from "../../dialects/openai/chat/kept-completions.ts";
import { ChatCompletion, Metadata } from "../../dialects/openai/chat/schema.ts";
import { itemPage } from "../../dialects/openai/responses/input-items.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { InputItems, ItemPage, pageOf } from "./item-pages.ts";

const Stored = Type.Object({ ...ChatCompletion.properties, metadata: Metadata });
const StoredPage = pageOf(Stored, "Chat completions that were stored.");
const Deleted = answerSchema(
  { id: Type.String(), object: OneOf(["chat.completion.deleted"]), deleted: Type.Boolean() },
  "A chat completion that is gone.",
);
const One = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) });

/** Chat completions that were asked to be stored, as OpenAI's API has them. */
export function storedCompletionRoutes(completions: KeptCompletions): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["OpenAI"];
    const one = { tags, params: One };
    const url = "/v1/chat/completions/:id";
    app.get(
      "/v1/chat/completions",
      {
        config,
        schema: {
          tags,
          summary: "List stored chat completions",
          querystring: Type.Object({
            limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
            order: OneOf(["asc", "desc"], { default: "asc" }),
            after: Type.Optional(Type.String({ maxLength: 128 })),
            model: Type.Optional(Type.String({ maxLength: 256, format: "text" })),
          }),
          response: responseSchemas(StoredPage, 400, 401, 503),
        },
      },
      ({ query: { limit, ...filter }, query }) =>
        completions.list({ ...filter, metadata: metadataOf(query) }, limit),
    );
    app.get(
      url,
      {
        config,
        schema: {
          ...one,
          summary: "Show a stored chat completion",
          response: responseSchemas(Stored, 401, 404, 503),
        },
      },
      ({ params }) => completions.get(params.id),
    );
    app.post(
      url,
      {
        config,
        schema: {
          ...one,
          summary: "Change a stored chat completion's metadata",
          body: Type.Object({ metadata: Metadata }),
          response: responseSchemas(Stored, 400, 401, 404, 503),
        },
      },
      ({ params, body }) => completions.update(params.id, body.metadata),
    );
    app.delete(
      url,
      {
        config,
        schema: {
          ...one,
          summary: "Delete a stored chat completion",
          response: responseSchemas(Deleted, 401, 404, 503),
        },
      },
      ({ params }) => completions.delete(params.id),
    );
    app.get(
      `${url}/messages`,
      {
        config,
        schema: {
          ...one,
          summary: "List what a stored chat completion answers",
          querystring: Type.Object({
            ...ItemPage.properties,
            order: OneOf(["asc", "desc"], { default: "asc" }),
          }),
          response: responseSchemas(InputItems, 400, 401, 404, 503),
        },
      },
      async ({ params, query }) => itemPage(await completions.messages(params.id), query),
    );
  };
}

/** Clients write the pairs to look for as `metadata[key]=value`. */
function metadataOf(query: object): Readonly<Record<string, string>> {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const key = /^metadata\[(.{1,64})\]$/.exec(name)?.[1];
    return key === undefined ? [] : [[key, String(value)] as const];
  });
  return Object.fromEntries(pairs);
}
