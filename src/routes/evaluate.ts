import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Judge } from "../evaluation/judge.ts";
import { EvaluateBody, EvaluateResponse } from "../evaluation/schema.ts";
import { disconnectSignal } from "../http/event-stream.ts";
import { responses } from "../http/schema.ts";

/** `POST /evaluate` and `POST /v1/evaluate`: the same, without and with a key. */
export function evaluateRoutes(judge: Judge): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const url of ["/evaluate", "/v1/evaluate"]) {
      const response = responses(
        EvaluateResponse,
        400,
        ...(url === "/evaluate" ? [] : ([401] as const)),
        429,
        503,
      );
      const schema = {
        tags: ["Evaluation"],
        summary: "Score a response by criteria",
        body: EvaluateBody,
        response,
      };
      app.post(url, { schema }, async (request, reply) => {
        const { prompt, response: answer, criteria = ["overall"] } = request.body;
        const context = {
          requestId: request.id,
          arrivedAt: request.arrivedAt,
          signal: disconnectSignal(reply),
        };
        const result = await judge.evaluate({ prompt, response: answer, criteria }, context);
        request.logFields["model"] = result.model;
        request.logFields["criteria"] = criteria.length;
        return result;
      });
    }
  };
}
