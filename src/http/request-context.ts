import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { monotonicMs } from "../platform/clock.ts";
import type { RequestContext } from "../telemetry/request-context.ts";

declare module "fastify" {
  interface FastifyRequest {
    context: RequestContext;
  }
}

const wellFormedId = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's `x-request-id` when it is fit to be logged, else a new UUID. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && wellFormedId.test(given) ? given : randomUUID();
}

/** Whole milliseconds since the request arrived. */
export function latencyMs({ context }: { readonly context: Pick<RequestContext, "arrivedAt"> }): number {
  return Math.round(monotonicMs() - context.arrivedAt);
}
