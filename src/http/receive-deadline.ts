import type { FastifyRequest } from "fastify";

/** For the first bytes, and for what the network does besides. */
const GRACE_MS = 60_000;
/** Half a megabit: slower than any connection on which people use models. */
const LEAST_BYTES_PER_MS = 64;

/** Closes the connection of a request whose body comes so slowly that it only holds memory and a socket. */
export function limitReceiving({ raw, headers }: FastifyRequest, largestBytes: number): void {
  const isChunked = headers["transfer-encoding"] !== undefined;
  const bytes = isChunked ? largestBytes : Number(headers["content-length"] ?? 0);
  if (bytes === 0 || !Number.isFinite(bytes)) return;
  const timer = setTimeout(() => raw.destroy(), GRACE_MS + bytes / LEAST_BYTES_PER_MS);
  timer.unref();
  for (const event of ["end", "close"]) raw.once(event, () => clearTimeout(timer));
}
