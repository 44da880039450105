import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";

/** Of the SHA-256 of the key: enough to tell keys apart, too few to test guesses by. */
const KEY_ID_DIGITS = 8;

/** Checks a request's key in constant time. */
export class ApiKeyGuard {
  readonly #digest: Buffer;
  readonly #protectsEverything: boolean;

  constructor(apiKey: string, scope: "v1" | "all") {
    this.#digest = digest(apiKey);
    this.#protectsEverything = scope === "all";
  }

  /** @throws ApiError `unauthorized` when the route needs a key and the request lacks the right one */
  check(request: FastifyRequest): void {
    if (!this.#needsKey(request)) return;
    const key = presentedKey(request);
    if (key === undefined) {
      throw new ApiError("unauthorized", "An API key is needed, in x-api-key or Authorization: Bearer.");
    }
    if (!this.holdsKey(request)) throw new ApiError("unauthorized", "The API key is wrong.");
  }

  /** Whether the request has the right key, needed or not. */
  holdsKey(request: FastifyRequest): boolean {
    const key = presentedKey(request);
    return key !== undefined && timingSafeEqual(digest(key), this.#digest);
  }

  /** What stands for the request's key in the log; undefined when it lacks the right one. */
  keyId(request: FastifyRequest): string | undefined {
    return this.holdsKey(request) ? this.#digest.toString("hex").slice(0, KEY_ID_DIGITS) : undefined;
  }

  /** Asks the matched route and not only the URL, whose spelling (`/%761/…`) the router sees through. */
  #needsKey(request: FastifyRequest): boolean {
    const paths = [request.routeOptions.url ?? "/", request.url.split("?", 1)[0] ?? "/"];
    if (paths.some((path) => path === "/v1" || path.startsWith("/v1/"))) return true;
    return (
      this.#protectsEverything &&
      paths.some((path) => path === "/chat" || path === "/evaluate" || path.startsWith("/api/"))
    );
  }
}

/** The key in `x-api-key`, else in `Authorization: Bearer`. */
function presentedKey(request: FastifyRequest): string | undefined {
  const header = request.headers["x-api-key"];
  if (typeof header === "string" && header !== "") return header;
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Equal lengths for `timingSafeEqual`, whatever the client sends. */
function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
