import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { describeAgent } from "../../dialects/openai/agents/output.ts";
import { changedAgent, toAgent } from "../../dialects/openai/agents/request.ts";
import { AgentBody, AgentChange } from "../../dialects/openai/agents/schema.ts";
import type { AgentsFeature } from "../../features/agents/create.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { responseSchemas } from "../../http/schema.ts";
import { newId } from "../../platform/ids.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { config, ListQuery, OneId, Open, OpenPage, tags, toPage } from "./pages.ts";

const One = Open("An agent, as in OpenAI's reference.");

export interface AgentRoutes extends Pick<AgentsFeature, "agents" | "toolbox"> {
  readonly models: ServedModels;
  readonly servers: McpServers;
}

/** `/v1/agents`: agents that are kept. */
export function agentRoutes({ agents, toolbox, models, servers }: AgentRoutes): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/v1/agents",
      {
        config,
        schema: {
          tags,
          summary: "Keep an agent",
          body: AgentBody,
          response: responseSchemas(One, 400, 401, 404, 429, 503),
        },
      },
      async ({ body }) => {
        models.find(body.model);
        const agent = toAgent(body, newId("agent_"), { servers, toolbox });
        return describeAgent(await agents.create(agent, body.metadata ?? {}));
      },
    );
    app.get(
      "/v1/agents",
      {
        config,
        schema: {
          tags,
          summary: "List agents",
          querystring: ListQuery,
          response: responseSchemas(OpenPage, 400, 401, 404, 429, 503),
        },
      },
      async ({ query }) => {
        const { entries, hasMore } = await agents.list(query);
        return toPage(entries.map(describeAgent), hasMore);
      },
    );
    const of = (summary: string) => ({
      tags,
      params: OneId,
      summary,
      response: responseSchemas(One, 400, 401, 404, 429, 503),
    });
    app.get("/v1/agents/:id", { config, schema: of("Show an agent") }, async ({ params }) =>
      describeAgent(await agents.get(params.id)),
    );
    app.post(
      "/v1/agents/:id",
      { config, schema: { ...of("Change an agent"), body: AgentChange } },
      async ({ params, body }) => {
        if (body.model !== undefined) models.find(body.model);
        const { agent, metadata } = await agents.get(params.id);
        const changed = changedAgent(agent, body, { servers, toolbox });
        return describeAgent(await agents.replace(changed, body.metadata ?? metadata));
      },
    );
    app.delete("/v1/agents/:id", { config, schema: of("Delete an agent") }, async ({ params }) => {
      await agents.delete(params.id);
      return { id: params.id, object: "agent.deleted" as const, deleted: true };
    });
  };
}
