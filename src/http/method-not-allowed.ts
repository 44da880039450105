import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "../errors.ts";

/** Remembers which methods each path has, to tell "no such path" from "not with this method". */
export class RouteMethods {
  readonly #routes: Array<{ readonly pattern: RegExp; readonly methods: readonly string[] }> = [];

  /** Must be called before the routes are added. */
  watch(app: FastifyInstance): void {
    app.addHook("onRoute", ({ url, method }) => {
      const source = url
        .split("/")
        .map((step) =>
          step.startsWith(":") ? "[^/]+" : step === "*" ? ".*" : step.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
        )
        .join("/");
      this.#routes.push({ pattern: new RegExp(`^${source}$`), methods: [method].flat() });
    });
  }

  /** What to answer when no route matched. */
  error(request: FastifyRequest): { readonly error: ApiError; readonly allow: string | undefined } {
    const path = request.url.split("?", 1)[0] ?? "/";
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
