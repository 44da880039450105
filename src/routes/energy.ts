import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { Energy, type EnergyMeter } from "../instruments/energy.ts";

const Answer = answerSchema(Energy.properties, "Energy and cost since the server's start.");

/** What the server's work takes and costs: measured, or null with the reason. */
export function energyRoutes(meter: EnergyMeter): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/v1/energy",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Show energy and cost",
          response: responseSchemas(Answer, 401, 429),
        },
      },
      async () => meter.describe(),
    );
  };
}
