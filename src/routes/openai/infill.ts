import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { InfillAnswer, InfillBody } from "../../dialects/infill/schema.ts";
import type { Infill } from "../../dialects/infill/service.ts";
import { responseSchemas } from "../../http/schema.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { answerCompletion } from "./answer-completion.ts";

/** What editors complete code with. */
export function infillRoutes(
  models: ServedModels,
  infill: (model: ServedModel) => Infill,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    const schema = {
      tags: ["Inference"],
      summary: "Fill the gap between two pieces of code, in the shape of llama.cpp's server",
      body: InfillBody,
      response: responseSchemas(InfillAnswer, 400, 401, 404, 429, 503),
    };
    const answer = answerCompletion(models, infill);
    app.post("/infill", { config: { scope: "inference" }, schema }, async (request, reply) =>
      answer(request, reply, request.body),
    );
  };
}
