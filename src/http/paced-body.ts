import { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { nextSlice } from "../platform/slices.ts";

/** A body up to this size comes in a few turns of the event loop. */
const LARGE_BYTES = 256 * 1024;

/**
 * The body of a request, as it is to be read. Of large ones a piece is taken in each turn of the event loop, of all
 * requests together: else a turn takes in all that forty senders have sent meanwhile, and puts it together. What is not
 * taken waits in the sockets, and senders wait with it.
 */
export function pacedBody({ headers }: FastifyRequest, payload: Readable): Readable {
  const isChunked = headers["transfer-encoding"] !== undefined;
  const isLarge = isChunked || Number(headers["content-length"] ?? 0) > LARGE_BYTES;
  // Forms are written to a file as they come.
  if (!isLarge || headers["content-type"]?.startsWith("multipart/") === true) return payload;
  return Readable.from(piecesOf(payload), { objectMode: false });
}

async function* piecesOf(payload: Readable): AsyncGenerator<Buffer> {
  for await (const piece of payload) {
    await nextSlice();
    yield piece as Buffer;
  }
}
