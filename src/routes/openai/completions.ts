import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Completion, CompletionBody } from "../../dialects/openai/completions/schema.ts";
import type { Completions } from "../../dialects/openai/completions/service.ts";
import { responseSchemas } from "../../http/schema.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { answerCompletion } from "./answer-completion.ts";

export function completionRoutes(
  models: ServedModels,
  completions: (model: ServedModel) => Completions,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["OpenAI"],
      summary: "Text completion",
      body: CompletionBody,
      response: responseSchemas(Completion, 400, 401, 404, 429, 503),
    };
    const answer = answerCompletion(models, completions, "[DONE]");
    app.post("/v1/completions", { config: { scope: "inference" }, schema }, (request, reply) =>
      answer(request, reply, request.body),
    );
  };
}
