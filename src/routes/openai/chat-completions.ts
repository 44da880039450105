import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { ChatCompletion, ChatCompletionBody } from "../../dialects/openai/chat/schema.ts";
import type { ChatCompletions } from "../../dialects/openai/chat/service.ts";
import { responseSchemas } from "../../http/schema.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { answerCompletion } from "./answer-completion.ts";

export function chatCompletionRoutes(
  models: ServedModels,
  completions: (model: ServedModel) => ChatCompletions,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["OpenAI"],
      summary: "Chat completion",
      body: ChatCompletionBody,
      response: responseSchemas(ChatCompletion, 400, 401, 404, 429, 503),
    };
    const answer = answerCompletion(models, completions, "[DONE]");
    app.post("/v1/chat/completions", { config: { scope: "inference" }, schema }, async (request, reply) =>
      answer(request, reply, request.body),
    );
  };
}
