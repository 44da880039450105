import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import {
  ClassDefinition,
  classDefinitions,
  PartDefinition,
  partDefinitions,
  stopDefinitions,
} from "../telemetry/glossary.ts";

const Glossary = answerSchema(
  {
    parts: Type.Array(PartDefinition),
    classes: Type.Array(ClassDefinition),
    cache_stops: Type.Array(ClassDefinition),
  },
  "What every part of a latency, every limiter class and every end of a cached prefix means, and how it is known.",
);

/** The definitions that docs and consoles show beside figures. */
export const glossaryRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    "/v1/glossary",
    {
      config: { scope: "instruments" },
      schema: {
        tags: ["Instruments"],
        summary: "Definitions of the figures",
        response: responseSchemas(Glossary, 401, 429),
      },
    },
    async () => ({
      parts: [...partDefinitions],
      classes: [...classDefinitions],
      cache_stops: [...stopDefinitions],
    }),
  );
};
