import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type TSchema, Type } from "typebox";
import { describeRun } from "../features/evaluation/runs/report.ts";
import {
  BatchEvalBody,
  RunCreated,
  RunId,
  RunPage,
  RunsQuery,
  RunView,
} from "../features/evaluation/runs/schema.ts";
import type { BatchEvals } from "../features/evaluation/runs/service.ts";
import { EventStream } from "../http/event-stream.ts";
import { responseSchemas } from "../http/schema.ts";
import { batchEvalResultRoutes } from "./batch-eval-results.ts";

const config = { scope: "evaluation" } as const;
const tags = ["Batch evaluation"];

export interface BatchEvalDependencies {
  readonly runs: BatchEvals;
  /** Largest `max_new_tokens`. */
  readonly maxNewTokensLimit: number;
  /** Aborts when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/** `/v1/batch-evals`: runs are made, listed, followed, paused, resumed and cancelled. */
export function batchEvalRoutes({
  runs,
  maxNewTokensLimit,
  stopping,
}: BatchEvalDependencies): FastifyPluginAsyncTypebox {
  const body = BatchEvalBody(maxNewTokensLimit);
  return async (app) => {
    const { 200: accepted, ...failures } = responseSchemas(RunCreated, 400, 401, 404, 409, 429, 503);
    app.post(
      "/v1/batch-evals",
      {
        config,
        schema: {
          tags,
          summary: "Start a run",
          body,
          response: { 202: accepted, ...failures },
        },
      },
      async (request, reply) => {
        const run = await runs.create(request.body);
        request.context.account.note({ run_id: run.runId });
        reply.code(202);
        return {
          run_id: run.runId,
          batch_eval_id: run.runId,
          status: run.status,
          created_at: run.createdAt.toISOString(),
        };
      },
    );

    app.get(
      "/v1/batch-evals",
      {
        config,
        schema: {
          tags,
          summary: "List runs, newest first",
          querystring: RunsQuery,
          response: responseSchemas(RunPage, 400, 401, 429, 503),
        },
      },
      async ({ query }) => {
        const { limit = 20, cursor } = query;
        const { items, nextCursor } = await runs.list({ limit, cursor });
        return { data: items.map((run) => describeRun(run)), next_cursor: nextCursor };
      },
    );

    const ofRun = (
      summary: string,
      response: TSchema = responseSchemas(RunView, 400, 401, 404, 429, 503),
    ) => ({
      config,
      schema: { tags, summary, params: RunId, response },
    });
    app.get("/v1/batch-evals/:id", ofRun("Show a run"), async ({ params }) => runs.show(params.id));

    const changes = {
      cancel: "Cancel a run; what it has measured stays",
      pause: "Pause a run: it starts no more records until it is resumed",
      resume: "Resume a paused run",
    } as const;
    for (const [change, summary] of Object.entries(changes) as Array<[keyof typeof changes, string]>) {
      app.post(
        `/v1/batch-evals/:id/${change}`,
        ofRun(summary, responseSchemas(RunView, 400, 401, 404, 409, 429, 503)),
        async ({ params }) => describeRun(await runs[change](params.id)),
      );
    }

    app.get(
      "/v1/batch-evals/:id/events",
      {
        config,
        schema: {
          tags,
          summary: "Follow a run",
          description:
            "Server-sent events until the run is over: `progress` after every record, `status` after every change of " +
            "it. They are numbered; `Last-Event-ID` resumes after the one it names, even across a restart of the server.",
          params: RunId,
          headers: Type.Object({ "last-event-id": Type.Optional(Type.String({ pattern: "^\\d{1,9}$" })) }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const after = Number(request.headers["last-event-id"] ?? 0);
        // Tells a browser's EventSource that there is nothing to reconnect for.
        if (!(await runs.hasEventsAfter(id, after))) return reply.code(204).send();
        // A server that stops ends its streams; their readers resume at the next server.
        const signal = AbortSignal.any([request.context.signal, stopping]);
        const stream = new EventStream(request, reply);
        // Begins the answer: the next event of a paused run may be long in coming, and clients and proxies have time limits.
        stream.keepAlive();
        try {
          for await (const { type: event, data, event_id } of runs.follow(id, after, signal))
            await stream.send({ event, data, id: event_id });
        } finally {
          stream.end();
        }
      },
    );

    await app.register(batchEvalResultRoutes(runs));
  };
}
