import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ApiError, UnavailableError } from "../errors.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { monotonicMs } from "../platform/clock.ts";
import { RunningAnswer, type RunningRequests } from "../telemetry/running-requests.ts";

const RequestId = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 128,
    format: "text",
    description: "Its `x-request-id`, which a client may have chosen.",
  }),
});
const List = answerSchema({ data: Type.Array(RunningAnswer) }, "Requests in order of their arrival.");
const Cancelled = answerSchema(
  { cancelled: Type.Integer({ description: "Requests of that id that ran; clients may repeat ids." }) },
  "They end before the engine's next step.",
);

/** What is being answered, and the end of it. */
export function runningRoutes(running: RunningRequests): FastifyPluginAsyncTypebox {
  const config = { scope: "instruments" } as const;
  const tags = ["Instruments"];
  return async (app) => {
    app.get(
      "/v1/requests/running",
      {
        config,
        schema: { tags, summary: "List running requests", response: responseSchemas(List, 401, 429) },
      },
      async () => ({ data: [...running.list(monotonicMs())] }),
    );
    app.post(
      "/v1/requests/:id/cancel",
      {
        config,
        schema: {
          tags,
          summary: "Cancel a running request",
          description:
            "Its client gets `service_unavailable` with the reason `cancelled`; in a stream that has begun, as its last event.",
          params: RequestId,
          response: responseSchemas(Cancelled, 400, 401, 404, 429),
        },
      },
      async ({ params: { id } }) => {
        const error = new UnavailableError("cancelled", "The request was cancelled by an operator.");
        const cancelled = running.cancel(id, error);
        if (cancelled === 0)
          throw new ApiError("not_found", `No request ${JSON.stringify(id)} is running.`, { param: "id" });
        return { cancelled };
      },
    );
  };
}
