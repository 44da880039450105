import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";
import { type KeyPolicy, needsKey } from "./access.ts";
import { BrowserSessions } from "./session.ts";

/** Of the SHA-256 of the key: enough to tell keys apart, too few to test guesses by. */
const KEY_ID_DIGITS = 8;

/** Checks a request's key in constant time. */
export class ApiKeyGuard {
  readonly #digest: Buffer;
  readonly #policy: KeyPolicy;
  readonly #sessions: BrowserSessions;

  constructor(apiKey: string, policy: KeyPolicy) {
    this.#digest = digest(apiKey);
    this.#policy = policy;
    this.#sessions = new BrowserSessions(apiKey);
  }

  /** @throws ApiError `unauthorized` when the route needs a key and the request lacks the right one */
  check(request: FastifyRequest): void {
    if (!this.#needsKey(request)) return;
    if (this.holdsKey(request)) return;
    if (presentedKey(request) === undefined) {
      throw new ApiError("unauthorized", "An API key is needed, in x-api-key or Authorization: Bearer.");
    }
    throw new ApiError("unauthorized", "The API key is wrong.");
  }

  /** Whether the request has the right key, or a session that stands for it, needed or not. */
  holdsKey(request: FastifyRequest): boolean {
    const key = presentedKey(request);
    return key === undefined ? this.#sessions.has(request) : this.isKey(key);
  }

  isKey(key: string): boolean {
    return timingSafeEqual(digest(key), this.#digest);
  }

  /** What stands for the request's key in the log; undefined when it lacks the right one. */
  keyId(request: FastifyRequest): string | undefined {
    return this.holdsKey(request) ? this.#digest.toString("hex").slice(0, KEY_ID_DIGITS) : undefined;
  }

  /** What no route matches is hidden under `/v1`, which reveals nothing of the routes without a key. */
  #needsKey({ is404, url, routeOptions }: FastifyRequest): boolean {
    return is404 ? /^\/v1(?:[/?]|$)/.test(url) : needsKey(routeOptions.config, this.#policy);
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
