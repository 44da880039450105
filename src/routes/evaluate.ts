import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { EvaluateBody, EvaluateResponse } from "../features/evaluation/schema.ts";
import type { EvaluationService } from "../features/evaluation/service.ts";
import { responseSchemas } from "../http/schema.ts";

/** `POST /evaluate` and `POST /v1/evaluate`: the same, without and with a key. */
export function evaluateRoutes(evaluation: EvaluationService): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const url of ["/evaluate", "/v1/evaluate"]) {
      const response = responseSchemas(
        EvaluateResponse,
        400,
        ...(url === "/evaluate" ? [] : ([401] as const)),
        429,
        503,
      );
      const schema = {
        tags: ["Evaluation"],
        summary: "Score a response by criteria, and by reference metrics",
        body: EvaluateBody,
        response,
      };
      app.post(
        url,
        { config: { scope: "evaluation", isKeyless: url === "/evaluate" }, schema },
        async (request) => {
          const result = await evaluation.evaluate(request.body, request.context);
          request.context.account.note({ model: result.model, criteria: result.scores.length });
          return result;
        },
      );
    }
  };
}
