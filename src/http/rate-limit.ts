import type { FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";
import type { TokenBuckets } from "../platform/rate-limit/token-buckets.ts";

/** Names of the headers that report a client's share: the limit, what is left, seconds until it is whole again. */
export const rateLimitHeaders = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] as const;

/** Sets those headers. */
export function tellShare(reply: FastifyReply, limit: number, remaining: number, resetSeconds: number): void {
  const values = [limit, remaining, resetSeconds];
  for (const [index, name] of rateLimitHeaders.entries()) reply.header(name, String(values[index]));
}

/** Refuses what is more than a client's share, and reports to every client how much of it is left. */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #buckets: TokenBuckets;

  constructor(perMinute: number, buckets: TokenBuckets) {
    this.#perMinute = perMinute;
    this.#buckets = buckets;
  }

  /** Counts the request and sets the contract's headers. @throws ApiError `rate_limited` */
  async check(client: string, reply: FastifyReply): Promise<void> {
    const { remaining, retryAfterMs, resetMs } = await this.#buckets.take(client);
    tellShare(reply, this.#perMinute, remaining, Math.ceil(resetMs / 1000));
    if (retryAfterMs === 0) return;
    throw new ApiError("rate_limited", `More than ${this.#perMinute} requests per minute.`, {
      retryAfterSeconds: Math.ceil(retryAfterMs / 1000),
    });
  }
}
