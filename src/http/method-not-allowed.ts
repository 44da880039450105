import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";

/** Longer paths match no route, and don't help in a message or a log. */
const MAX_PATH_LENGTH = 1024;

/** The path of a request that matched no route, as it is shown. */
export function pathOf(request: FastifyRequest): string {
  const path = request.url.split("?", 1)[0] ?? "/";
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
}

/** Remembers which methods each path has, to tell "no such path" from "not with this method". */
export class RouteMethods {
  readonly #routes: Array<{ readonly pattern: RegExp; readonly methods: readonly string[] }> = [];

  /** Must be called before the routes are added. */
  watch(app: FastifyInstance): void {
    app.addHook("onRoute", ({ url, method }) => {
      // What a plugin puts under every path makes no path exist.
      if (url === "*") return;
      const source = url
        .split("/")
        .map((step) =>
          step.startsWith(":") ? "[^/]+" : step === "*" ? ".*" : step.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
        )
        .join("/");
      this.#routes.push({ pattern: new RegExp(`^${source}$`), methods: [method].flat() });
    });
  }

  /** Whether a route has this path, whatever its method. */
  has(path: string): boolean {
    return this.#routes.some(({ pattern }) => pattern.test(path));
  }

  /** What to answer when no route matched. */
  error(request: FastifyRequest): { readonly error: ApiError; readonly allow: string | undefined } {
    const path = pathOf(request);
    const methods = new Set(
      this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods),
    );
    if (methods.size === 0) {
      const hint = "GET /docs lists the routes.";
      return {
        error: new ApiError("not_found", `There is no ${request.method} ${path}. ${hint}`),
        allow: undefined,
      };
    }
    const allow = [...methods].sort().join(", ");
    return {
      error: new ApiError("method_not_allowed", `${path} does not take ${request.method}, only ${allow}.`),
      allow,
    };
  }
}
