import type { FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";
import type { Clock } from "../inference/clock.ts";

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Clients remembered; a full bucket carries no memory, so the longest untouched ones can go. */
const MAX_BUCKETS = 10_000;

/** A token bucket a client: `perMinute` requests at once, refilled evenly. */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Takes one token. `retryAfterMs` is 0 when there was one. */
  take(client: string): {
    readonly remaining: number;
    readonly retryAfterMs: number;
    readonly resetMs: number;
  } {
    const now = this.#clock();
    const msPerToken = 60_000 / this.#perMinute;
    const bucket = this.#buckets.get(client) ?? { tokens: this.#perMinute, filledAt: now };
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + (now - bucket.filledAt) / msPerToken);
    bucket.filledAt = now;
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    this.#remember(client, bucket);
    return {
      remaining: Math.floor(bucket.tokens),
      retryAfterMs: isAllowed ? 0 : (1 - bucket.tokens) * msPerToken,
      resetMs: (this.#perMinute - bucket.tokens) * msPerToken,
    };
  }

  #remember(client: string, bucket: Bucket): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MAX_BUCKETS) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
  }

  /** Counts the request and sets the contract's headers. @throws ApiError `rate_limited` */
  check(client: string, reply: FastifyReply): void {
    const { remaining, retryAfterMs, resetMs } = this.take(client);
    reply.header("x-ratelimit-limit", String(this.#perMinute));
    reply.header("x-ratelimit-remaining", String(remaining));
    reply.header("x-ratelimit-reset", String(Math.ceil(resetMs / 1000)));
    if (retryAfterMs === 0) return;
    throw new ApiError("rate_limited", `More than ${this.#perMinute} requests a minute.`, {
      retryAfterSeconds: Math.ceil(retryAfterMs / 1000),
    });
  }
}
