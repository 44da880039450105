import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Scope } from "../http/access.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** Prometheus text, at `url`. */
export function metricsRoutes(
  metrics: Metrics,
  url: "/v1/metrics" | "/metrics",
  scope: Scope,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      url,
      {
        config: { scope, isProbe: true },
        schema: { tags: ["Metrics"], summary: "Prometheus metrics, as text" },
      },
      async (_request, reply) => {
        return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
      },
    );
  };
}
