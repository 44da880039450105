import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { McpServers } from "../features/mcp-servers/servers.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { OneOf } from "../platform/schema/one-of.ts";

const config = { scope: "inference" } as const;
const tags = ["Agents"];
const Label = Type.String({ minLength: 1, maxLength: 64 });

const ServerTool = Type.Object({
  name: Type.String(),
  called: Type.String({ description: "The name by which models call it." }),
  description: Type.Union([Type.String(), Type.Null()]),
  effect: OneOf(["read", "idempotent", "write"]),
  approval: Type.Union([OneOf(["always", "never"]), Type.Null()]),
  quarantined: Type.Boolean({
    description: "Changed since it was first seen: not called until it is approved.",
  }),
});
const Server = Type.Object({
  label: Type.String(),
  transport: OneOf(["stdio", "http"]),
  state: OneOf(["unused", "connected", "failed"]),
  revision: Type.Union([Type.String(), Type.Null()], { description: "Of the protocol." }),
  error: Type.Union([Type.String(), Type.Null()]),
  tools: Type.Array(ServerTool),
});
const Servers = answerSchema({ data: Type.Array(Server) }, "The MCP servers of MCP_SERVERS_FILE.");
const One = answerSchema(Server.properties, "A server.");

/** `/v1/mcp/servers`: whose tools agents may use, and what became of them. */
export function mcpServerRoutes(servers: McpServers): FastifyPluginAsyncTypebox {
  async function describe(label: string) {
    const connection = servers.connection(label);
    // What is in the way is told beside them.
    const tools = await servers.tools(label).catch(() => []);
    return {
      label,
      transport: "command" in connection.entry ? ("stdio" as const) : ("http" as const),
      state: connection.state,
      revision: (await connection.revision()) ?? null,
      error: connection.failure ?? null,
      tools: tools.map(({ name, tool, effect, approval, isQuarantined }) => ({
        name: tool.name,
        called: name,
        description: tool.description ?? null,
        effect,
        approval: approval ?? null,
        quarantined: isQuarantined,
      })),
    };
  }

  return async (app) => {
    app.get(
      "/v1/mcp/servers",
      { config, schema: { tags, summary: "List MCP servers", response: responseSchemas(Servers, 401, 503) } },
      async () => ({ data: await Promise.all(servers.labels.map(describe)) }),
    );
    app.post(
      "/v1/mcp/servers/:label/reconnect",
      {
        config,
        schema: {
          tags,
          summary: "Connect to a server anew",
          params: Type.Object({ label: Label }),
          response: responseSchemas(One, 401, 404, 503),
        },
      },
      async ({ params }) => {
        await servers.connection(params.label).reconnect();
        return describe(params.label);
      },
    );
    app.post(
      "/v1/mcp/servers/:label/tools/:tool/approve",
      {
        config,
        schema: {
          tags,
          summary: "Take a tool that was changed as it is now",
          params: Type.Object({ label: Label, tool: Type.String({ minLength: 1, maxLength: 256 }) }),
          response: responseSchemas(One, 401, 404, 503),
        },
      },
      async ({ params }) => {
        await servers.approve(params.label, params.tool);
        return describe(params.label);
      },
    );
  };
}
