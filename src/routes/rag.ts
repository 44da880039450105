import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { RagService } from "../features/rag/answer/service.ts";
import type { IndexReport } from "../features/rag/index/index-report.ts";
import { IndexStatus, RagAnswer, RagBody, SearchAnswer, SearchBody } from "../features/rag/schema.ts";
import { responseSchemas } from "../http/schema.ts";
import { streamEvents, tokenEvents } from "../http/stream-events.ts";
import { drain } from "../inference/completion.ts";

export interface RagDependencies {
  readonly rag: RagService;
  readonly indexes: IndexReport;
  readonly maxNewTokensLimit: number;
}

/** `POST /v1/rag/query` and, the same, `POST /v1/rag`; `POST /v1/rag/search`; `GET /v1/rag/indexes/{dataset_id}`. */
export function ragRoutes({ rag, indexes, maxNewTokensLimit }: RagDependencies): FastifyPluginAsyncTypebox {
  const body = RagBody(maxNewTokensLimit);
  return async (app) => {
    for (const url of ["/v1/rag/query", "/v1/rag"]) {
      const schema = {
        tags: ["Retrieval"],
        summary: "Answer from a corpus, with citations",
        body,
        response: responseSchemas(RagAnswer, 400, 401, 404, 409, 429, 503),
      };
      app.post(url, { config: { scope: "inference" }, schema }, async (request, reply) => {
        const answer = rag.answer(request.body, request.context);
        if (request.body.stream === true)
          return streamEvents(request, reply, { events: tokenEvents(answer), last: "[DONE]" });
        return drain(answer);
      });
    }
    app.post(
      "/v1/rag/search",
      {
        config: { scope: "inference" },
        schema: {
          tags: ["Retrieval"],
          summary: "Find passages of a corpus",
          body: SearchBody,
          response: responseSchemas(SearchAnswer, 400, 401, 404, 409, 429, 503),
        },
      },
      async (request) => ({
        passages: await rag.search(request.body, request.context),
        request_id: request.id,
      }),
    );
    const schema = {
      tags: ["Retrieval"],
      summary: "Show a corpus's index, and how far it is",
      params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 128, format: "text" }) }),
      response: responseSchemas(IndexStatus, 400, 401, 404, 429, 503),
    };
    app.get("/v1/rag/indexes/:id", { config: { scope: "inference" }, schema }, async (request) => ({
      ...(await indexes.of(request.params.id)),
      request_id: request.id,
    }));
  };
}
