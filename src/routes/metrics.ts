import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Metrics } from "../telemetry/metrics.ts";

/** Prometheus text, at `url`. */
export function metricsRoutes(metrics: Metrics, url: "/v1/metrics" | "/metrics"): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      url,
      { schema: { tags: ["Metrics"], summary: "Prometheus metrics, as text" } },
      async (_request, reply) => {
        return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
      },
    );
  };
}
