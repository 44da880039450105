import type { FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";
import type { TokenBuckets } from "../rate-limit/token-buckets.ts";

/** Refuses what is more than a client's share, and tells every client how much of it is left. */
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
    reply.header("x-ratelimit-limit", String(this.#perMinute));
    reply.header("x-ratelimit-remaining", String(remaining));
    reply.header("x-ratelimit-reset", String(Math.ceil(resetMs / 1000)));
    if (retryAfterMs === 0) return;
    throw new ApiError("rate_limited", `More than ${this.#perMinute} requests a minute.`, {
      retryAfterSeconds: Math.ceil(retryAfterMs / 1000),
    });
  }
}
