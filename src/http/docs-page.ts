import type { FastifyInstance } from "fastify";
import { ApiError } from "../errors.ts";

const PREFIX = "/docs";

/**
 * Serves a page to browse `/openapi.json`. The page comes with 4 MB of script, a fifth of the time that a start takes
 * to load: it is loaded at the first request for it.
 * @param apiKey what the page fills in; only a key that is not a secret
 */
export function registerDocsPage(app: FastifyInstance, apiKey: string | undefined): void {
  let loading: Promise<FastifyInstance> | undefined;
  for (const path of [PREFIX, `${PREFIX}/*`]) {
    app.get(path, { config: { scope: "public" }, schema: { hide: true } }, async ({ url }, reply) => {
      loading ??= loadPage(apiKey);
      const page = await loading;
      const { statusCode, headers, rawPayload } = await page.inject({ url });
      if (statusCode === 404) throw new ApiError("not_found", "The documentation has no such page.");
      return reply.code(statusCode).headers(headers).send(rawPayload);
    });
  }
}

/** The page as an application of its own, which is asked without a socket. */
async function loadPage(apiKey: string | undefined): Promise<FastifyInstance> {
  const [{ default: reference }, { default: Fastify }] = await Promise.all([
    import("@scalar/fastify-api-reference"),
    import("fastify"),
  ]);
  const page = Fastify();
  await page.register(reference, {
    routePrefix: PREFIX,
    configuration: {
      url: "/openapi.json",
      authentication: {
        preferredSecurityScheme: "apiKey",
        securitySchemes: { apiKey: { value: apiKey ?? "" } },
      },
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      defaultOpenAllTags: true,
      // Offers of services elsewhere, which a self-hosted server's page has no use for.
      showDeveloperTools: "never",
      mcp: { disabled: true },
      agent: { disabled: true },
    },
  });
  return page;
}
