import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { type Static, Type } from "typebox";
import { ApiError, InvalidRequestError } from "../errors.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { timeOfUuidV7 } from "../platform/uuid.ts";
import { ContextReceipt } from "../telemetry/context-receipt.ts";
import type { Contents } from "../telemetry/ledger/contents.ts";
import { exportLines } from "../telemetry/ledger/export.ts";
import type { Ledger } from "../telemetry/ledger/ledger.ts";
import { parseQuery, queryFields } from "../telemetry/ledger/query.ts";
import { describeRequest, RecordedRequest, RequestDetail } from "../telemetry/ledger/schema.ts";
import { seriesOf, TimePoint } from "../telemetry/ledger/series.ts";
import { KEPT_RECEIPTS, type Receipts } from "../telemetry/receipts.ts";

const Query = Type.Optional(
  Type.String({
    maxLength: 1000,
    format: "text",
    description: `Terms that must all hold: \`limiter:queue latency>2s status:5xx since:1h\`. Fields: ${queryFields.join(", ")}.`,
  }),
);
const ListQuery = Type.Object({
  q: Query,
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
  cursor: Type.Optional(Type.String({ maxLength: 100, description: "`next_cursor` of the page before." })),
});
const ExportQuery = Type.Object({ q: Query, format: OneOf(["jsonl", "csv"], { default: "jsonl" }) });
const RequestId = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 128,
    format: "text",
    description: "`id` of a list, or the `x-request-id` of an answer, of which the latest is meant.",
  }),
});
const SeriesQuery = Type.Object({
  minutes: Type.Integer({ minimum: 1, maximum: 44_640, default: 60, description: "How far back." }),
  step: Type.Integer({ minimum: 1, maximum: 1440, default: 1, description: "Minutes of a point." }),
});
const Page = answerSchema(
  { data: Type.Array(RecordedRequest), next_cursor: Type.Union([Type.String(), Type.Null()]) },
  "Requests, the latest first.",
);
const Series = answerSchema(
  { step_minutes: Type.Integer(), points: Type.Array(TimePoint) },
  "One point for each stretch of time, oldest first; the last one is not over.",
);
const Receipt = answerSchema(ContextReceipt.properties, "What the model was given.");
const Detail = answerSchema(RequestDetail.properties, "One request, whole.");

const contentTypes = { jsonl: "application/x-ndjson", csv: "text/csv; charset=utf-8" } as const;
/** Points of one answer. */
const MAX_POINTS = 1500;
const MINUTE_MS = 60_000;

/** What is known of requests. */
export interface RequestRecords {
  /** Undefined where no requests are kept. */
  readonly ledger: Ledger | undefined;
  readonly receipts: Receipts;
  readonly contents: Contents;
}

/** The ledger: what was asked, how long it took, and why. */
export function requestRoutes({ ledger, receipts, contents }: RequestRecords): FastifyPluginAsyncTypebox {
  const kept = () => {
    if (ledger === undefined)
      throw new ApiError("not_implemented", "No requests are kept: LEDGER_DAYS is 0.");
    return ledger;
  };
  return async (app) => {
    const config = { scope: "instruments" } as const;
    const tags = ["Instruments"];
    app.get(
      "/v1/requests",
      {
        config,
        schema: {
          tags,
          summary: "List requests",
          description:
            "A search that has looked through many requests gives what it has found so far, which may be nothing, and goes on at `next_cursor`; the last page has none.",
          querystring: ListQuery,
          response: responseSchemas(Page, 400, 401, 429, 501, 503),
        },
      },
      async ({ query: { q = "", limit, cursor } }) => {
        const conditions = parseQuery(q, Date.now());
        const { rows, next } = await kept().list(conditions, toId(cursor), limit);
        return {
          data: rows.map((row) => describeRequest(row)),
          next_cursor: next === undefined ? null : toCursor(next),
        };
      },
    );
    app.get(
      "/v1/requests/export",
      { config, schema: { tags, summary: "Export requests", querystring: ExportQuery } },
      async ({ query: { q = "", format } }, reply) => {
        const conditions = parseQuery(q, Date.now());
        const lines = exportLines(kept(), conditions, format);
        reply.header("content-type", contentTypes[format]);
        reply.header("content-disposition", `attachment; filename="requests.${format}"`);
        return reply.send(Readable.from(lines));
      },
    );
    app.get(
      "/v1/requests/series",
      {
        config,
        schema: {
          tags,
          summary: "Requests over time",
          description: "Counts, sums and percentiles, from histograms of minutes.",
          querystring: SeriesQuery,
          response: responseSchemas(Series, 400, 401, 429, 501, 503),
        },
      },
      async ({ query: { minutes, step } }) => {
        if (minutes / step > MAX_POINTS)
          throw new InvalidRequestError(`That is more than ${MAX_POINTS} points: choose a longer step.`, {
            param: "step",
          });
        const until = Date.now();
        const from = until - minutes * MINUTE_MS;
        const counts = await kept().minutes(from, until);
        return { step_minutes: step, points: seriesOf(counts, { from, until, stepMs: step * MINUTE_MS }) };
      },
    );
    app.get(
      "/v1/requests/:id",
      {
        config,
        schema: {
          tags,
          summary: "Show a request",
          params: RequestId,
          response: responseSchemas(Detail, 400, 401, 404, 429, 501, 503),
        },
      },
      async ({ params: { id } }) => {
        const row = await kept().find(id);
        if (row === undefined)
          throw new ApiError("not_found", `No request ${JSON.stringify(id)} is kept.`, { param: "id" });
        const content = await contents.find(row.id);
        return {
          ...describeRequest(row, "whole"),
          ...(content !== undefined && { content: [...content] }),
        };
      },
    );
    app.get(
      "/v1/requests/:id/context",
      {
        config,
        schema: {
          tags,
          summary: "Show what a request's prompt was made of",
          description:
            "Its parts with the tokens that came from the KV cache, where and why the cache stopped.",
          params: RequestId,
          response: responseSchemas(Receipt, 400, 401, 404, 429),
        },
      },
      async ({ params: { id } }) => {
        const receipt = receipts.find(id);
        if (receipt !== undefined) return receipt;
        const message = `No receipt of request ${JSON.stringify(id)} is kept: memory has those of the latest ${KEPT_RECEIPTS} that computed a prompt.`;
        throw new ApiError("not_found", message, { param: "id" });
      },
    );
  };
}

type Cursor = Static<typeof ListQuery>["cursor"];

/** Opaque to clients: its content may change. */
function toCursor(id: string): string {
  return Buffer.from(id).toString("base64url");
}

/** @throws InvalidRequestError for a cursor that no page gave */
function toId(cursor: Cursor): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, "base64url").toString();
  if (timeOfUuidV7(id) === undefined || toCursor(id) !== cursor)
    throw new InvalidRequestError("cursor must be the next_cursor of an earlier page", { param: "cursor" });
  return id;
}
