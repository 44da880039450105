import type { FastifyReply } from "fastify";

/** Says of an answer that came from the cache that it did. */
export function markCached(reply: FastifyReply, { cached }: { readonly cached?: boolean }): void {
  if (cached === true) reply.header("x-cache", "hit");
}
