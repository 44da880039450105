import type { FastifyReply, FastifyRequest } from "fastify";
import { UnavailableError } from "../errors.ts";

/** A body under this size is not counted: thousands of them are what a server has memory for anyway. */
const COUNTED_BYTES = 256 * 1024;
/** Bodies of the largest size that may be held at the same time. */
const LARGEST_AT_ONCE = 8;

/** Bounds the bytes of all JSON bodies that are held at the same time, each from its first byte to the end of its answer. */
export class BodyMemory {
  readonly #limit: number;
  readonly #largest: number;
  #held = 0;

  /** `largest`: bytes that one body may have. */
  constructor(largest: number) {
    this.#largest = largest;
    this.#limit = largest * LARGEST_AT_ONCE;
  }

  /** @throws UnavailableError `queue_full` where other requests' bodies leave no room */
  check({ headers }: FastifyRequest, reply: FastifyReply): void {
    if (headers["content-type"]?.startsWith("multipart/") === true) return;
    const bytes = this.#announced(headers);
    if (bytes < COUNTED_BYTES) return;
    if (this.#held + bytes > this.#limit)
      throw new UnavailableError(
        "queue_full",
        "The bodies of other requests take all memory set aside for them.",
      );
    this.#held += bytes;
    reply.raw.once("close", () => {
      this.#held -= bytes;
    });
  }

  /** What is sent in chunks may be as large as any; what is too large is refused before it is read. */
  #announced(headers: FastifyRequest["headers"]): number {
    if (headers["transfer-encoding"] !== undefined) return this.#largest;
    const length = Number(headers["content-length"] ?? 0);
    return length > this.#largest ? 0 : length;
  }
}
