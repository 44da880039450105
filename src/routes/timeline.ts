import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { InvalidRequestError } from "../errors.ts";
import { responseSchemas } from "../http/schema.ts";
import { wallMs } from "../platform/clock.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import type { StepRing } from "../telemetry/steps/step-ring.ts";
import { describeStep, Neighbour, neighboursOf, stepsOf, TimelineStep } from "../telemetry/steps/timeline.ts";
import { sendTrace } from "./send-trace.ts";

const MAX_STEPS = 5000;

const TimelineQuery = Type.Object({
  from: Type.Optional(
    Type.Number({ description: "Steps that began then or later, in milliseconds since 1970." }),
  ),
  until: Type.Optional(Type.Number({ description: "Steps that began before." })),
  request: Type.Optional(
    Type.String({
      maxLength: 128,
      format: "text",
      description: "Only steps that the request of this `x-request-id` was in.",
    }),
  ),
  last: Type.Integer({
    minimum: 1,
    maximum: 65_536,
    default: 500,
    description: `The latest so many of them; a list of JSON has ${MAX_STEPS} at most.`,
  }),
  format: OneOf(["json", "chrome"], {
    default: "json",
    description: "`chrome`: a file that Perfetto (ui.perfetto.dev) and chrome://tracing open.",
  }),
});
const Timeline = Type.Object(
  {
    steps: Type.Array(TimelineStep),
    neighbours: Type.Optional(
      Type.Array(Neighbour, { description: "Of a request: who else was in its steps." }),
    ),
    request_id: Type.Optional(Type.String()),
  },
  { description: "Steps of the engines, oldest first." },
);

/** What the engines' steps did, as far back as memory goes. */
export function timelineRoutes(ring: StepRing): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/v1/timeline",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Timeline of the engines' steps",
          querystring: TimelineQuery,
          response: responseSchemas(Timeline, 400, 401, 429),
        },
      },
      async ({ query: { from, until, request, last, format } }, reply) => {
        const offsetMs = wallMs(0);
        if (from !== undefined && until !== undefined && from >= until)
          throw new InvalidRequestError("from must be before until.", { param: "from" });
        const between = ring.between((from ?? 0) - offsetMs, (until ?? Infinity) - offsetMs);
        const found = request === undefined ? [...between] : stepsOf(between, request);
        const steps = found.slice(-last);
        if (format === "chrome") return sendTrace(reply, steps, "timeline");
        if (steps.length > MAX_STEPS)
          throw new InvalidRequestError(
            `That is ${steps.length} steps, more than ${MAX_STEPS}: ask for fewer, or for format=chrome.`,
            { param: "last" },
          );
        return {
          steps: steps.map(describeStep),
          ...(request !== undefined && { neighbours: neighboursOf(steps, request) }),
        };
      },
    );
  };
}
