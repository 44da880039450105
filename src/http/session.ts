import { createHmac, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

const LIFETIME_MS = 30 * 24 * 3_600_000;

/** What a session reads of a request. */
type Asking = Pick<FastifyRequest, "headers" | "method">;

/**
 * Sessions of browsers: a cookie that no script can read stands for the key, which is typed in once and kept nowhere.
 * It holds the time it ends at and an HMAC of that under the key. So it outlives restarts, every server with the same
 * key takes it, and a new key ends them all.
 */
export class BrowserSessions {
  readonly #apiKey: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(apiKey: string, now: () => number = Date.now) {
    this.#apiKey = apiKey;
    this.#now = now;
  }

  open(request: Asking, reply: FastifyReply): void {
    const endsAt = this.#now() + LIFETIME_MS;
    setCookie(request, reply, `${endsAt}.${this.#sign(endsAt)}`, LIFETIME_MS / 1000);
  }

  close(request: Asking, reply: FastifyReply): void {
    setCookie(request, reply, "", 0);
  }

  /** Whether the request has a session, and comes from a page of this server and no other. */
  has(request: Asking): boolean {
    const value = cookie(request, cookieName(request));
    if (value === undefined || !isFromOwnPage(request)) return false;
    const [endsAt = "", signature = ""] = value.split(".", 2);
    if (!/^\d{1,16}$/.test(endsAt) || Number(endsAt) < this.#now()) return false;
    const expected = Buffer.from(this.#sign(Number(endsAt)));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #sign(endsAt: number): string {
    return createHmac("sha256", this.#apiKey).update(`browser session until ${endsAt}`).digest("base64url");
  }
}

/**
 * `SameSite` keeps the cookie from other sites, but another port of the same host is the same site. Browsers say in
 * `Sec-Fetch-Site` where a request comes from, and to plain addresses of other machines at least in `Origin`, except on GET.
 */
function isFromOwnPage({ headers, method }: Asking): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  if (headers.origin !== undefined) return URL.parse(headers.origin)?.host === headers.host;
  return method === "GET" || method === "HEAD";
}

/** Cookies are shared by all ports of a host; each server has a name of its own. */
function cookieName({ headers }: Asking): string {
  const port = /:(\d+)$/.exec(headers.host ?? "")?.[1];
  return port === undefined ? "llm-server" : `llm-server-${port}`;
}

function cookie({ headers }: Asking, name: string): string | undefined {
  const pairs = headers.cookie?.split(";").map((pair) => pair.trim()) ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

function setCookie(request: Asking, reply: FastifyReply, value: string, maxAgeSeconds: number): void {
  const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`;
  reply.header("set-cookie", `${cookieName(request)}=${value}; ${attributes}`);
}
