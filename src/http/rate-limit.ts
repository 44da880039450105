import { isIPv6 } from "node:net";
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

/** Whom an address stands for: of IPv6 the first half, since one household or machine has all of the second. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = "", right] = address.split("::");
  const words = (half = "") => half.split(":").filter((word) => word !== "");
  const [first, last] = [words(left), words(right)];
  // An IPv4 address in IPv6's form is one machine's.
  if (last.at(-1)?.includes(".") === true) return address;
  const zeros = right === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(zeros).fill("0"), ...last].slice(0, 4).join(":");
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
