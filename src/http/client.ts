import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";

/** The key in `x-api-key`, else in `Authorization: Bearer`. */
export function presentedKey(request: FastifyRequest): string | undefined {
  const header = request.headers["x-api-key"];
  if (typeof header === "string" && header !== "") return header;
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Whom limits count: the key (as a digest, so that none is kept), or the address of a client that sends none. */
export function clientOf(request: FastifyRequest): string {
  const key = presentedKey(request);
  return key === undefined ? `ip:${request.ip}` : createHash("sha256").update(key).digest("base64");
}
