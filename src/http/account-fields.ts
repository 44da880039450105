import type { FastifyRequest } from "fastify";
import type { limitsOf } from "../telemetry/answer-account.ts";
import type { LogFields, RequestAccount } from "../telemetry/request-account.ts";

/** Longest part of a user agent that is logged. */
const USER_AGENT_LENGTH = 100;
/** Ids as this server and its clients write them; anything else in a path stays out of the log. */
const plainId = /^[A-Za-z0-9._:-]{1,128}$/;

/** Who asks, and for which of the route's things. */
export function noteClient(request: FastifyRequest, key: string | undefined): void {
  const { id } = (request.params ?? {}) as { readonly id?: string };
  const agent = request.headers["user-agent"]?.slice(0, USER_AGENT_LENGTH);
  request.context.account.note({
    ...(id !== undefined && plainId.test(id) && { id }),
    ...(key !== undefined && { key }),
    client: request.ip,
    ...(agent !== undefined && { user_agent: agent }),
  });
}

/** The value of a Server-Timing header, which browsers' developer tools draw. */
export function serverTiming({
  queueMs,
  prefillMs,
  decodeMs,
}: NonNullable<RequestAccount["timings"]>): string {
  const parts = { queue: queueMs, prefill: prefillMs, decode: decodeMs };
  return Object.entries(parts)
    .map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
    .join(", ");
}

/** An answer that took so long has all parts of its time in the log. */
const SLOW_MS = 1000;

export function limitFields({
  parts,
  verdict,
  totalMs,
}: NonNullable<ReturnType<typeof limitsOf>>): LogFields {
  const tenths = Object.entries(parts).map(([part, ms]) => [part, Number(ms.toFixed(1))] as const);
  return {
    limiter: verdict.class,
    limiter_share: Number(verdict.share.toFixed(2)),
    ...(totalMs >= SLOW_MS && {
      parts_ms: Object.fromEntries(tenths),
      cause: verdict.cause,
      lever: verdict.lever,
    }),
  };
}
