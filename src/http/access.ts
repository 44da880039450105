import type { FastifyContextConfig, FastifyInstance, RouteOptions } from "fastify";

/** What a key lets its holder use; a `public` route asks for no key. */
export type Scope = "public" | "inference" | "models" | "datasets" | "evaluation" | "metrics" | "instruments";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call the route. A route that doesn't say is refused at start. */
    scope?: Scope;
    /** The route needs a key only under REQUIRE_API_KEY=all. */
    isKeyless?: boolean;
    /** Called by machines every few seconds: neither rate-limited nor logged at `info`. */
    isProbe?: boolean;
  }
}

/** Setting REQUIRE_API_KEY: whether keyless routes stay so. */
export type KeyPolicy = "v1" | "all";

export function needsKey({ scope, isKeyless = false }: FastifyContextConfig, policy: KeyPolicy): boolean {
  return scope !== "public" && (!isKeyless || policy === "all");
}

/** Lets no server start that has a route which doesn't say who may call it. Must be called before the routes are added. */
export function requireScopes(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => {
    routes.push(route);
  });
  app.addHook("onReady", async () => {
    const silent = routes.filter(({ config }) => config?.scope === undefined);
    if (silent.length === 0) return;
    const names = silent.map(({ method, url }) => `${method} ${url}`).join(", ");
    throw new Error(`Without a scope in their config, nothing says who may call these routes: ${names}`);
  });
}

/** Declares routes of `app` public, for plugins that can't declare it themselves. */
export function makePublic(app: FastifyInstance, isMeant: (route: RouteOptions) => boolean): void {
  app.addHook("onRoute", (route) => {
    if (isMeant(route)) route.config = { scope: "public", ...route.config };
  });
}
