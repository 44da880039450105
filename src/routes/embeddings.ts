import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { EmbeddingsAnswer, EmbeddingsBody } from "../dialects/openai/embeddings/schema.ts";
import type { EmbeddingsService } from "../dialects/openai/embeddings/service.ts";
import { responseSchemas } from "../http/schema.ts";

export function embeddingRoutes(embeddings: EmbeddingsService): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["Embeddings"],
      summary: "Embed texts",
      body: EmbeddingsBody,
      response: responseSchemas(EmbeddingsAnswer, 400, 401, 404, 429, 503),
    };
    app.post("/v1/embeddings", { config: { scope: "inference" }, schema }, async (request) => {
      const answer = await embeddings.create(request.body, request.context.signal);
      request.context.account.note({
        model: answer.model,
        texts: answer.data.length,
        prompt_tokens: answer.usage.prompt_tokens,
      });
      return answer;
    });
  };
}
