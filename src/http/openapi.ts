import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { type KeyPolicy, needsKey } from "./access.ts";
import { exampleBodies } from "./example-bodies.ts";

/** Serves the OpenAPI document that the routes' schemas make. */
export async function registerOpenApi(
  app: FastifyInstance,
  { version, policy }: { readonly version: string; readonly policy: KeyPolicy },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "llm-server",
        version,
        description:
          "A self-hosted LLM inference server that accounts for every millisecond and every token.",
        license: { name: "MIT" },
      },
      servers: [{ url: "/", description: "This server" }],
      components: {
        securitySchemes: {
          apiKey: {
            type: "apiKey",
            in: "header",
            name: "x-api-key",
            description: "The value of API_KEY; `dev-local-key` where that is not set.",
          },
          bearer: { type: "http", scheme: "bearer" },
        },
      },
    },
    hideUntagged: true,
    transform: ({ schema, url, route: { config = {} } }) => {
      const { scope = "public" } = config;
      const secured = needsKey(config, policy) && { security: [{ apiKey: [scope] }, { bearer: [scope] }] };
      const example = exampleBodies[url];
      const body = example !== undefined && { body: { ...(schema.body as object), examples: [example] } };
      return { schema: { ...schema, ...secured, ...body }, url };
    },
  });
  app.get("/openapi.json", { config: { scope: "public" }, schema: { hide: true } }, () => app.swagger());
}
