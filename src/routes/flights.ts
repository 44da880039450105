import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ApiError } from "../errors.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { timeOfUuidV7 } from "../platform/uuid.ts";
import { type FlightHead, type FlightRecorder, flightCauses } from "../telemetry/steps/flight-recorder.ts";
import { describeStep, TimelineStep } from "../telemetry/steps/timeline.ts";
import { sendTrace } from "./send-trace.ts";

const OrNone = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const Head = {
  id: Type.String(),
  at: Type.String({ format: "date-time", description: "When it was recorded." }),
  cause: OneOf(flightCauses),
  for_request_id: OrNone("Of the slow request."),
  reason: OrNone("How the engine's process ended."),
  step_count: Type.Integer(),
};
const List = answerSchema({ data: Type.Array(Type.Object(Head)) }, "Recordings of steps, the latest first.");
const Recording = answerSchema(
  { ...Head, steps: Type.Array(TimelineStep) },
  "One recording, oldest step first.",
);
const FlightId = Type.Object({ id: Type.String({ maxLength: 64, format: "text" }) });
const FlightQuery = Type.Object({
  format: OneOf(["json", "chrome"], {
    default: "json",
    description: "`chrome`: a file that Perfetto (ui.perfetto.dev) and chrome://tracing open.",
  }),
});

/** The steps of slow requests, and the last ones before an engine crashed. */
export function flightRoutes(recorder: FlightRecorder): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { scope: "instruments" } as const;
    const tags = ["Instruments"];
    app.get(
      "/v1/flights",
      {
        config,
        schema: { tags, summary: "List recordings of steps", response: responseSchemas(List, 401, 429) },
      },
      async () => ({ data: recorder.list().map(describeFlight) }),
    );
    app.get(
      "/v1/flights/:id",
      {
        config,
        schema: {
          tags,
          summary: "Show a recording of steps",
          params: FlightId,
          querystring: FlightQuery,
          response: responseSchemas(Recording, 400, 401, 404, 429),
        },
      },
      async ({ params: { id }, query: { format } }, reply) => {
        const flight = recorder.find(id);
        if (flight === undefined)
          throw new ApiError("not_found", `No recording ${JSON.stringify(id)} is kept.`, { param: "id" });
        if (format === "json") return { ...describeFlight(flight), steps: flight.steps.map(describeStep) };
        return sendTrace(reply, flight.steps, flight.id);
      },
    );
  };
}

function describeFlight({ id, cause, requestId, reason, stepCount }: FlightHead) {
  return {
    id,
    at: new Date(timeOfUuidV7(id) ?? 0).toISOString(),
    cause,
    for_request_id: requestId,
    reason,
    step_count: stepCount,
  };
}
