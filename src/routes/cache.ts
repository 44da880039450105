import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { CacheOfModel, describeCache } from "../instruments/cache-view.ts";
import type { ServedModels } from "../serving/served-models.ts";

const Caches = answerSchema({ models: Type.Array(CacheOfModel) }, "The KV caches of the models in memory.");

/** What the KV caches hold, what they saved, and whether others would serve better. */
export function cacheRoutes(models: ServedModels): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/v1/cache",
      {
        config: { scope: "instruments" },
        schema: {
          tags: ["Instruments"],
          summary: "Show the KV cache",
          response: responseSchemas(Caches, 401, 429, 503),
        },
      },
      async () => {
        const loaded = models.all.filter(({ state }) => state.status === "ready");
        return {
          models: await Promise.all(
            loaded.map(async ({ engine }) => describeCache(engine.describe().name, await engine.viewCache())),
          ),
        };
      },
    );
  };
}
