import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";

export interface HostCheckOptions {
  /** Address that the server listens on. */
  readonly host: string;
  /** Further names by which clients may call it. */
  readonly allowedHosts: readonly string[];
  readonly corsOrigin: string | undefined;
}

/** Whether only programs of this machine reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/**
 * Keeps web pages away from a server that counts on being reachable from its own machine only. A page can point its name
 * at 127.0.0.1 and is then of the same origin as the server (DNS rebinding, CVE-2024-28224), but it can't call without
 * naming itself in Host; and every other page names itself in Origin.
 */
export class HostCheck {
  readonly #isActive: boolean;
  readonly #names: ReadonlySet<string>;
  readonly #corsOrigin: string | undefined;

  constructor({ host, allowedHosts, corsOrigin }: HostCheckOptions) {
    this.#isActive = isLoopback(host) || allowedHosts.length > 0;
    this.#names = new Set([host, ...allowedHosts].map((name) => name.toLowerCase()));
    this.#corsOrigin = corsOrigin;
  }

  /** @throws ApiError `forbidden` */
  check({ headers }: FastifyRequest): void {
    if (!this.#isActive) return;
    const { host, origin } = headers;
    if (host !== undefined && !this.#isKnown(hostName(`http://${host}`))) {
      const message = `Host ${host.slice(0, 100)} is not a name of this server. Add it to ALLOWED_HOSTS if it is one.`;
      throw new ApiError("forbidden", message);
    }
    if (origin === undefined || this.#corsOrigin === "*" || origin.toLowerCase() === this.#corsOrigin) return;
    // Desktop applications have schemes of their own (`app://`, `vscode-webview://`), which no web page can claim.
    if (origin !== "null" && !/^https?:/i.test(origin)) return;
    if (this.#isKnown(hostName(origin))) return;
    throw new ApiError(
      "forbidden",
      `Pages of ${origin.slice(0, 100)} may not call this server. CORS_ORIGIN allows one origin, ALLOWED_HOSTS names.`,
    );
  }

  /** An address can't be pointed elsewhere by anyone's name server, so any is taken. */
  #isKnown(name: string | undefined): boolean {
    if (name === undefined) return false;
    const address = name.replace(/^\[|\]$/g, "");
    return (
      isIP(address) !== 0 || name === "localhost" || name.endsWith(".localhost") || this.#names.has(name)
    );
  }
}

function hostName(url: string): string | undefined {
  return URL.parse(url)?.hostname.toLowerCase();
}
