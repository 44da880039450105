import type { FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";
import { tellShare } from "./rate-limit.ts";

/** When an open request ends is unknown; asking again this soon costs both sides little. */
const RETRY_AFTER_SECONDS = 1;

/** Bounds the requests that one client has open at the same time: one of many must not take all sequences. */
export class ConcurrencyLimiter {
  readonly #limit: number;
  readonly #open = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts the request until its answer is over. @throws ApiError `rate_limited`, with the headers that report this limit */
  check(client: string, reply: FastifyReply): void {
    const open = this.#open.get(client) ?? 0;
    if (open >= this.#limit) {
      tellShare(reply, this.#limit, 0, RETRY_AFTER_SECONDS);
      throw new ApiError("rate_limited", `More than ${this.#limit} requests at the same time.`, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    this.#open.set(client, open + 1);
    reply.raw.once("close", () => this.#leave(client));
  }

  #leave(client: string): void {
    const open = (this.#open.get(client) ?? 1) - 1;
    if (open === 0) this.#open.delete(client);
    else this.#open.set(client, open);
  }
}
