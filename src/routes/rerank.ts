import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { RerankAnswer, RerankBody } from "../dialects/rerank/schema.ts";
import type { RerankService } from "../dialects/rerank/service.ts";
import { responseSchemas } from "../http/schema.ts";

export function rerankRoutes(rerank: RerankService): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["Embeddings"],
      summary: "Order documents by their relevance to a query",
      body: RerankBody,
      response: responseSchemas(RerankAnswer, 400, 401, 404, 429, 501, 503),
    };
    app.post("/v1/rerank", { config: { scope: "inference" }, schema }, async (request) => {
      const answer = await rerank.rank(request.body, request.context.signal);
      request.context.account.note({
        model: answer.model,
        texts: request.body.documents.length,
        prompt_tokens: answer.usage.prompt_tokens,
      });
      return answer;
    });
  };
}
