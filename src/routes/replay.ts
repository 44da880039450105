import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Replayer } from "../instruments/replay/replay.ts";
import { describeReplay, ReplayAnswer, ReplayBody } from "../instruments/replay/schema.ts";

const RequestId = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 128,
    format: "text",
    description:
      "The `x-request-id` of an answer that was asked for with `reproducible`, or the ledger's id of it.",
  }),
});
const Answer = answerSchema(
  ReplayAnswer.properties,
  "Whether the answer is what the model makes of its prompt.",
);

/** Computes answers again that were asked for as reproducible. */
export function replayRoutes(replayer: Replayer): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/requests/:id/replay",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Compute an answer again, and compare",
          params: RequestId,
          body: ReplayBody,
          response: responseSchemas(Answer, 400, 401, 404, 409, 429, 503),
        },
      },
      async ({ params, body, context }) =>
        describeReplay(await replayer.replay(params.id, body.level, context)),
    );
  };
}
