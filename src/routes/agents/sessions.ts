import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { describeEvent, eventNumber } from "../../dialects/openai/agents/events.ts";
import { describeSession } from "../../dialects/openai/agents/output.ts";
import { toAgent, toInputs, toMessages, toPlan } from "../../dialects/openai/agents/request.ts";
import { InputBody, SessionBody, SessionChange } from "../../dialects/openai/agents/schema.ts";
import { InvalidRequestError } from "../../errors.ts";
import type { Agent } from "../../features/agents/agent.ts";
import type { AgentsFeature } from "../../features/agents/create.ts";
import type { SessionRow } from "../../features/agents/session/tables.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import { EventStream } from "../../http/event-stream.ts";
import { responseSchemas } from "../../http/schema.ts";
import { newId } from "../../platform/ids.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { config, ListQuery, OneId, Open, OpenPage, tags, toPage } from "./pages.ts";

const One = Open("A session, as in OpenAI's reference.");

export interface SessionRoutes extends AgentsFeature {
  readonly models: ServedModels;
  readonly servers: McpServers;
  readonly randomSeed: () => number;
  /** Aborts when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/** `/v1/agents/sessions`: sessions are made, given input, followed and forked. */
export function sessionRoutes(feature: SessionRoutes): FastifyPluginAsyncTypebox {
  const { agents, sessions, models, servers, toolbox, randomSeed, stopping } = feature;

  async function agentOf(body: SessionBody): Promise<Agent> {
    const { agent, agent_id: id } = body;
    if (isSet(id) === isSet(agent))
      throw new InvalidRequestError("Either agent or agent_id must be given.", { param: "agent" });
    const wanted = isSet(agent)
      ? toAgent(agent, newId("agent_"), { servers, toolbox }, "agent.")
      : (await agents.get(id ?? "")).agent;
    models.find(wanted.model, "agent.model");
    return wanted;
  }

  /** Sends events from number `from` on; those of a session that was just made until it rests. */
  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    { row, from, untilRest }: { row: SessionRow; from: number; untilRest: boolean },
  ): Promise<FastifyReply> {
    const signal = AbortSignal.any([request.context.signal, stopping]);
    const stream = new EventStream(request, reply);
    // Begins the answer: whoever follows a session puts something in once the answer has begun.
    stream.keepAlive();
    try {
      for await (const event of sessions.follow(row.id, from, signal)) {
        const data = describeEvent(event, row);
        await stream.send({ event: data.type, id: event.number, data });
        if (untilRest && data.type === "agent.session.idle") break;
      }
    } finally {
      stream.end();
    }
    return reply;
  }

  return async (app) => {
    app.post(
      "/v1/agents/sessions",
      {
        config,
        schema: {
          tags,
          summary: "Begin a session",
          body: SessionBody,
          response: responseSchemas(One, 400, 401, 404, 429, 501, 503),
        },
      },
      async (request, reply) => {
        const { body, context } = request;
        const agent = await agentOf(body);
        const plan = toPlan(body, { agent, cacheScope: context.cacheScope, randomSeed });
        const messages = toMessages(body.input, "input");
        const row = await sessions.create(plan, body.metadata ?? {}, messages);
        if (body.stream !== true) return describeSession(row);
        return send(request, reply, { row, from: 0, untilRest: true });
      },
    );
    app.get(
      "/v1/agents/sessions",
      {
        config,
        schema: {
          tags,
          summary: "List sessions",
          querystring: Type.Object({
            ...ListQuery.properties,
            agent_id: Type.Optional(Type.String({ maxLength: 128 })),
          }),
          response: responseSchemas(OpenPage, 400, 401, 404, 429, 503),
        },
      },
      async ({ query }) => {
        const { entries, hasMore } = await sessions.list(query.agent_id, query);
        return toPage(
          entries.map((row) => describeSession(row)),
          hasMore,
        );
      },
    );
    const of = (summary: string) => ({
      tags,
      params: OneId,
      summary,
      response: responseSchemas(One, 400, 401, 404, 409, 429, 503),
    });
    app.get("/v1/agents/sessions/:id", { config, schema: of("Show a session") }, async ({ params }) =>
      describeSession(await sessions.get(params.id)),
    );
    app.post(
      "/v1/agents/sessions/:id",
      { config, schema: { ...of("Change a session's metadata"), body: SessionChange } },
      async ({ params, body }) => {
        const row = isSet(body.metadata)
          ? await sessions.setMetadata(params.id, body.metadata)
          : await sessions.get(params.id);
        return describeSession(row);
      },
    );
    app.delete(
      "/v1/agents/sessions/:id",
      { config, schema: of("Delete a session and all that is kept of it") },
      async ({ params }) => {
        await sessions.delete(params.id);
        return { id: params.id, object: "agent.session.deleted" as const, deleted: true };
      },
    );
    app.post(
      "/v1/agents/sessions/:id/fork",
      {
        config,
        schema: {
          ...of("Begin a session with what was said in another"),
          body: Type.Object({
            after_item_id: Type.Optional(
              Type.String({ maxLength: 128, description: "The last item that it has; all when left out." }),
            ),
          }),
        },
      },
      async ({ params, body }) => describeSession(await sessions.fork(params.id, body.after_item_id)),
    );
    const { 200: _, ...failures } = responseSchemas(One, 400, 401, 404, 409, 429, 503);
    app.post(
      "/v1/agents/sessions/:id/events",
      {
        config,
        schema: {
          tags,
          summary: "Put a message, a cancellation, a result or a decision in",
          params: OneId,
          headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 255 })) }),
          body: InputBody,
          response: {
            202: Type.Null({ description: "All of it is stored." }),
            ...failures,
          },
        },
      },
      async ({ params, body, headers }, reply) => {
        await sessions.put(params.id, toInputs(body.events), headers["idempotency-key"]);
        return reply.code(202).send(null);
      },
    );
    app.get(
      "/v1/agents/sessions/:id/events",
      {
        config,
        schema: {
          tags,
          summary: "Follow a session",
          description:
            "Server-sent events as they come. `from=start` begins with the first one, `after` or `Last-Event-ID` after " +
            "the one that it names, even across a restart of the server.",
          params: OneId,
          querystring: Type.Object({
            from: Type.Optional(OneOf(["start", "now"], { default: "now" })),
            after: Type.Optional(Type.String({ maxLength: 128, description: "An event_id." })),
            include_obfuscation: Type.Optional(Type.Boolean()),
          }),
          headers: Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 128 })) }),
        },
      },
      async (request, reply) => {
        const { params, query, headers } = request;
        const row = await sessions.get(params.id);
        const after = headers["last-event-id"] ?? query.after;
        const number = after === undefined ? undefined : eventNumber(after);
        if (after !== undefined && number === undefined)
          throw new InvalidRequestError(`${JSON.stringify(after)} is no event_id.`, { param: "after" });
        const from = number !== undefined ? number + 1 : query.from === "start" ? 0 : row.nextEvent;
        return send(request, reply, { row, from, untilRest: false });
      },
    );
  };
}
