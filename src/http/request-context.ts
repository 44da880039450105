import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { monotonicMs } from "../platform/clock.ts";

/** What a route adds to the request's one log line: token counts and times, never text. */
export type LogFields = Record<string, string | number | boolean | null>;

declare module "fastify" {
  interface FastifyRequest {
    /** When the request reached the server, on `monotonicMs`. */
    arrivedAt: number;
    logFields: LogFields;
  }
}

const wellFormedId = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's `x-request-id` when it is fit to be logged, else a new UUID. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && wellFormedId.test(given) ? given : randomUUID();
}

/** Whole milliseconds since the request arrived. */
export function latencyMs(request: { readonly arrivedAt: number }): number {
  return Math.round(monotonicMs() - request.arrivedAt);
}
