import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type TSchema, Type } from "typebox";
import { ApiError } from "../errors.ts";
import { criteria } from "../evaluation/judge-prompt.ts";
import { Choice, PromptText } from "../fields.ts";
import { responses } from "../http/schema.ts";

/*
 * Routes of the contract whose stage is not built yet. Each validates its input as it will then, and answers 501;
 * OpenAPI lists them as such. A stage that is built takes its routes out of here.
 */

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, format: "text" });
const Id = Type.Object({ id: Text(128) });
const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Text(1024)),
});
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
const BatchEval = Type.Object({
  dataset_id: Text(128),
  criteria: Type.Array(Choice(criteria), { minItems: 1, uniqueItems: true }),
  model: Type.Optional(Text(256)),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  generation: Type.Optional(
    Type.Object({
      temperature,
      top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
      max_new_tokens: maxTokens,
      seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
    }),
  ),
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
const batch = { tag: "Batch evaluation" };

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
  { method: "POST", url: "/v1/batch-evals", ...batch, summary: "Start a run", body: BatchEval },
  { method: "GET", url: "/v1/batch-evals", ...batch, summary: "List runs", querystring: Page },
  { method: "GET", url: "/v1/batch-evals/:id", ...batch, summary: "Show a run", params: Id },
  { method: "POST", url: "/v1/batch-evals/:id/cancel", ...batch, summary: "Cancel a run", params: Id },
  { method: "GET", url: "/v1/batch-evals/:id/events", ...batch, summary: "Follow a run", params: Id },
  { method: "GET", url: "/v1/batch-evals/:id/result", ...batch, summary: "Summary of a run", params: Id },
  {
    method: "GET",
    url: "/v1/batch-evals/:id/distribution",
    ...batch,
    summary: "Scores of a run",
    params: Id,
  },
  {
    method: "GET",
    url: "/v1/batch-evals/:id/failures",
    ...batch,
    summary: "Failures of a run",
    params: Id,
    querystring: Page,
  },
  {
    method: "GET",
    url: "/v1/batch-evals/:id/records",
    ...batch,
    summary: "Records of a run",
    params: Id,
    querystring: Page,
  },
  {
    method: "GET",
    url: "/v1/batch-evals/:id/artifacts/export",
    ...batch,
    summary: "Export a run",
    params: Id,
  },
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
