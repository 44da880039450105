import type { FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";

/** Bounds the requests that one client has open at the same time, so that one of many can't take all sequences. */
export class ConcurrencyLimiter {
  readonly #limit: number;
  readonly #open = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts the request until its answer is over. @throws ApiError `rate_limited` */
  check(client: string, reply: FastifyReply): void {
    const open = this.#open.get(client) ?? 0;
    if (open >= this.#limit) {
      throw new ApiError("rate_limited", `More than ${this.#limit} requests at the same time.`, {
        retryAfterSeconds: 1,
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
