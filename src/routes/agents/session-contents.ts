import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { describeItem } from "../../dialects/openai/agents/events.ts";
import { describeApproval, describeStep, describeTurn } from "../../dialects/openai/agents/output.ts";
import type { Sessions } from "../../features/agents/sessions.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { config, ListQuery, OneId, OneTurn, Open, OpenPage, tags, toPage } from "./pages.ts";

/** What was said and done in sessions, and the one list of what waits for a person. */
export function sessionContentRoutes(sessions: Sessions): FastifyPluginAsyncTypebox {
  return async (app) => {
    const list = (summary: string) => ({
      tags,
      summary,
      params: OneId,
      querystring: ListQuery,
      response: responseSchemas(OpenPage, 400, 401, 404, 429, 503),
    });
    app.get(
      "/v1/agents/sessions/:id/items",
      { config, schema: list("List a session's items") },
      async ({ params, query }) => {
        const { entries, hasMore } = await sessions.items(params.id, undefined, query);
        return toPage(entries.map(describeItem), hasMore);
      },
    );
    app.get(
      "/v1/agents/sessions/:id/turns",
      { config, schema: list("List a session's turns") },
      async ({ params, query }) => {
        const row = await sessions.get(params.id);
        const { entries, hasMore } = await sessions.turns(params.id, query);
        return toPage(
          entries.map((turn) => describeTurn(turn, row)),
          hasMore,
        );
      },
    );
    app.get(
      "/v1/agents/sessions/:id/turns/:turn",
      {
        config,
        schema: {
          tags,
          summary: "Show a turn",
          params: OneTurn,
          response: responseSchemas(Open("A turn, as in OpenAI's reference."), 401, 404, 429, 503),
        },
      },
      async ({ params }) =>
        describeTurn(await sessions.turn(params.id, params.turn), await sessions.get(params.id)),
    );
    app.get(
      "/v1/agents/sessions/:id/turns/:turn/items",
      { config, schema: { ...list("List a turn's items"), params: OneTurn } },
      async ({ params, query }) => {
        const { entries, hasMore } = await sessions.items(params.id, params.turn, query);
        return toPage(entries.map(describeItem), hasMore);
      },
    );
    app.get(
      "/v1/agents/sessions/:id/turns/:turn/steps",
      {
        config,
        schema: {
          ...list("List a turn's steps: answers of the model and calls of tools, with what each cost"),
          params: OneTurn,
        },
      },
      async ({ params, query }) => {
        const { entries, hasMore } = await sessions.steps(params.id, params.turn, query);
        return toPage(entries.map(describeStep), hasMore);
      },
    );
    app.get(
      "/v1/agents/sessions/:id/outputs/:call",
      {
        config,
        schema: {
          tags,
          summary: "Read an output that was too long for the model",
          params: Type.Object({ ...OneId.properties, call: OneId.properties.id }),
          querystring: Type.Object({
            offset: Type.Integer({ minimum: 0, default: 0, description: "In characters." }),
            limit: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 100_000 }),
          }),
          response: responseSchemas(
            answerSchema({ text: Type.String(), length: Type.Integer() }, "A part of an output."),
            400,
            401,
            404,
            429,
            503,
          ),
        },
      },
      ({ params, query }) => sessions.output(params.id, params.call, query),
    );
    // Without machines and subagents there are none of these.
    for (const kind of ["artifacts", "subagents"])
      app.get(
        `/v1/agents/sessions/:id/${kind}`,
        { config, schema: list(`List a session's ${kind}: there are none on this server`) },
        async ({ params }) => {
          await sessions.get(params.id);
          return toPage([], false);
        },
      );
    app.get(
      "/v1/agents/approvals",
      {
        config,
        schema: {
          tags,
          summary: "List what waits for a person, or was decided, in all sessions",
          querystring: Type.Object({
            ...ListQuery.properties,
            status: Type.Optional(OneOf(["pending", "approved", "denied", "expired", "dropped"])),
          }),
          response: responseSchemas(OpenPage, 400, 401, 404, 429, 503),
        },
      },
      async ({ query }) => {
        const { entries, hasMore } = await sessions.approvals(query.status, query);
        return toPage(entries.map(describeApproval), hasMore);
      },
    );
    app.post(
      "/v1/agents/approvals/:id",
      {
        config,
        schema: {
          tags,
          summary: "Decide whether a call may run",
          params: OneId,
          body: Type.Object({
            decision: OneOf(["approve", "deny", "cancel"]),
            remember: Type.Optional(OneOf(["session"])),
          }),
          response: responseSchemas(Open("The question."), 400, 401, 404, 409, 429, 503),
        },
      },
      async ({ params, body }) =>
        describeApproval(await sessions.decide(params.id, body.decision, body.remember === "session")),
    );
  };
}
