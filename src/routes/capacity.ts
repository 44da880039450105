import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Planner } from "../instruments/planner/planner.ts";
import { Capacity, CapacityBody } from "../instruments/planner/schema.ts";

const Answer = answerSchema(Capacity.properties, "How many users fit, with the error of that prediction.");

/** How many users a server fits at a service level, and what stops the next one. */
export function capacityRoutes(planner: Planner): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/capacity",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Predict how many users fit",
          description:
            "Simulates this server's own scheduler on the step times of this machine, without computing anything.",
          body: CapacityBody,
          response: responseSchemas(Answer, 400, 401, 404, 409, 429, 503),
        },
      },
      async ({ body, context }) => planner.plan(body, context.signal),
    );
  };
}
