import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { Metadata } from "../../dialects/openai/chat/schema.ts";
import type { Conversations } from "../../dialects/openai/conversations/service.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { OrNull } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { InputItems, ItemPage } from "./item-pages.ts";

/** OpenAI's limit. */
const MAX_ADDED = 20;

const Items = Type.Array(Type.Unknown(), { maxItems: MAX_ADDED });
const Conversation = answerSchema(
  {
    id: Type.String(),
    object: OneOf(["conversation"]),
    created_at: Type.Integer(),
    metadata: Type.Record(Type.String(), Type.Unknown()),
  },
  "A conversation.",
);
const Deleted = answerSchema(
  { id: Type.String(), object: OneOf(["conversation.deleted"]), deleted: Type.Boolean() },
  "A conversation that is gone.",
);
/** Items of many shapes; OpenAI's reference describes them. */
const Item = Type.Object({}, { additionalProperties: true, description: "An item of a conversation." });
const Id = Type.String({ minLength: 1, maxLength: 128 });
const One = Type.Object({ id: Id });
const OneItem = Type.Object({ id: Id, item: Id });

/** OpenAI's conversations: items that `/v1/responses` with `conversation` reads and adds to. */
export function conversationRoutes(conversations: Conversations): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["OpenAI"];
    const of = (summary: string) => ({ tags, params: One, summary });
    app.post(
      "/v1/conversations",
      {
        config,
        schema: {
          tags,
          summary: "Begin a conversation",
          body: Type.Object({ items: OrNull(Items), metadata: OrNull(Metadata) }),
          response: responseSchemas(Conversation, 400, 401, 429, 503),
        },
      },
      ({ body }) => conversations.create(body.items ?? [], body.metadata ?? {}),
    );
    app.get(
      "/v1/conversations/:id",
      {
        config,
        schema: { ...of("Show a conversation"), response: responseSchemas(Conversation, 401, 404, 503) },
      },
      ({ params }) => conversations.get(params.id),
    );
    app.post(
      "/v1/conversations/:id",
      {
        config,
        schema: {
          ...of("Change a conversation's metadata"),
          body: Type.Object({ metadata: Metadata }),
          response: responseSchemas(Conversation, 400, 401, 404, 503),
        },
      },
      ({ params, body }) => conversations.update(params.id, body.metadata),
    );
    app.delete(
      "/v1/conversations/:id",
      {
        config,
        schema: { ...of("Delete a conversation"), response: responseSchemas(Deleted, 401, 404, 503) },
      },
      ({ params }) => conversations.delete(params.id),
    );
    app.get(
      "/v1/conversations/:id/items",
      {
        config,
        schema: {
          ...of("List a conversation's items"),
          querystring: ItemPage,
          response: responseSchemas(InputItems, 400, 401, 404, 503),
        },
      },
      ({ params, query }) => conversations.page(params.id, query),
    );
    app.post(
      "/v1/conversations/:id/items",
      {
        config,
        schema: {
          ...of("Add items to a conversation"),
          body: Type.Object({ items: Items }),
          response: responseSchemas(InputItems, 400, 401, 404, 503),
        },
      },
      ({ params, body }) => conversations.append(params.id, body.items),
    );
    const item = (summary: string) => ({ tags, params: OneItem, summary });
    app.get(
      "/v1/conversations/:id/items/:item",
      {
        config,
        schema: { ...item("Show an item of a conversation"), response: responseSchemas(Item, 401, 404, 503) },
      },
      ({ params }) => conversations.item(params.id, params.item),
    );
    app.delete(
      "/v1/conversations/:id/items/:item",
      {
        config,
        schema: {
          ...item("Delete an item of a conversation"),
          response: responseSchemas(Conversation, 401, 404, 503),
        },
      },
      ({ params }) => conversations.deleteItem(params.id, params.item),
    );
  };
}
