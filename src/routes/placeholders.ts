import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type TSchema, Type } from "typebox";
import { ApiError } from "../errors.ts";
import { PromptText } from "../fields.ts";
import { responses } from "../http/schema.ts";

/*
 * Routes of the contract whose stage is not built yet. Each validates its input as it will then, and answers 501;
 * OpenAPI lists them as such. A stage that is built takes its routes out of here.
 */

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, format: "text" });
const Id = Type.Object({ id: Text(128) });
const maxTokens = Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 }));
const temperature = Type.Optional(Type.Number({ minimum: 0, maximum: 2 }));

const RagQuery = Type.Object({
  query: PromptText("What to look up and answer."),
  dataset_id: Text(128),
  top_k: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })),
  max_new_tokens: maxTokens,
  temperature,
  stream: Type.Optional(Type.Boolean()),
});

interface Placeholder {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly tag: string;
  readonly summary: string;
  readonly body?: TSchema;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
}

const rag = { tag: "Retrieval" };

const placeholders: readonly Placeholder[] = [
  {
    method: "POST",
    url: "/v1/rag/query",
    ...rag,
    summary: "Answer from a corpus, with citations",
    body: RagQuery,
  },
  { method: "POST", url: "/v1/rag", ...rag, summary: "Answer from a corpus, with citations", body: RagQuery },
  { method: "GET", url: "/v1/rag/indexes/:id", ...rag, summary: "Show a corpus's index", params: Id },
];

export function placeholderRoutes(): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const { method, url, tag, summary, ...schemas } of placeholders) {
      const { 200: _none, ...response } = responses(Type.Object({}), 400, 401, 429, 501);
      app.route({
        method,
        url,
        schema: { tags: [tag], summary: `${summary} (not implemented yet)`, ...schemas, response },
        handler: () => {
          throw new ApiError("not_implemented", `${method} ${url} is not built yet; the request was valid.`);
        },
      });
    }
  };
}
