import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RecordResult } from "../features/evaluation/runs/measurement.ts";
import { describeResult } from "../features/evaluation/runs/report.ts";
import {
  CompareQuery,
  ComparisonView,
  DistributionQuery,
  DistributionView,
  ExportQuery,
  FailuresQuery,
  RecordsQuery,
  ResultPage,
  RunId,
  RunResult,
} from "../features/evaluation/runs/schema.ts";
import type { BatchEvals } from "../features/evaluation/runs/service.ts";
import { responseSchemas } from "../http/schema.ts";
import type { Page } from "../platform/paging.ts";

const config = { scope: "evaluation" } as const;
const tags = ["Batch evaluation"];
const contentTypes = {
  jsonl: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8",
} as const;

/** What runs came to: summaries, records, failures, exports, comparisons. */
export function batchEvalResultRoutes(runs: BatchEvals): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/v1/batch-evals/:id/result",
      {
        config,
        schema: {
          tags,
          summary: "Summary of a run",
          description:
            "Means with BCa bootstrap intervals, the pass rate with Wilson's, by tag too. Of what has been measured so far, while the run is not finished.",
          params: RunId,
          response: responseSchemas(RunResult, 400, 401, 404, 429, 503),
        },
      },
      async ({ params }) => runs.result(params.id),
    );

    app.get(
      "/v1/batch-evals/:id/distribution",
      {
        config,
        schema: {
          tags,
          summary: "Scores of a run",
          params: RunId,
          querystring: DistributionQuery,
          response: responseSchemas(DistributionView, 400, 401, 404, 429, 503),
        },
      },
      async ({ params, query }) => runs.distribution(params.id, query.criterion),
    );

    app.get(
      "/v1/batch-evals/:id/records",
      {
        config,
        schema: {
          tags,
          summary: "Records of a run",
          params: RunId,
          querystring: RecordsQuery,
          response: responseSchemas(ResultPage, 400, 401, 404, 429, 503),
        },
      },
      async ({ params, query }) => {
        const { limit = 20, cursor } = query;
        return view(await runs.records(params.id, { limit, cursor }, query));
      },
    );

    app.get(
      "/v1/batch-evals/:id/failures",
      {
        config,
        schema: {
          tags,
          summary: "Failures of a run",
          description:
            "Records that did not pass, by why: `engine`, `input`, `judge`, `output` or `quality`.",
          params: RunId,
          querystring: FailuresQuery,
          response: responseSchemas(ResultPage, 400, 401, 404, 429, 503),
        },
      },
      async ({ params, query }) => {
        const { limit = 20, cursor } = query;
        return view(await runs.failures(params.id, { limit, cursor }, query));
      },
    );

    app.get(
      "/v1/batch-evals/:id/artifacts/export",
      {
        config,
        schema: {
          tags,
          summary: "Export a run",
          description:
            "`jsonl`: the run with everything that made it on the first line, then one record per line. `csv`: one record per " +
            "row; text that a spreadsheet would run as a formula begins with an apostrophe.",
          params: RunId,
          querystring: ExportQuery,
        },
      },
      async ({ params, query }, reply) => {
        const { format = "jsonl" } = query;
        const lines = await runs.export(params.id, format);
        reply.header("content-type", contentTypes[format]);
        reply.header("content-disposition", `attachment; filename="${params.id}.${format}"`);
        return reply.send(Readable.from(lines));
      },
    );

    app.get(
      "/v1/batch-evals/compare",
      {
        config,
        schema: {
          tags,
          summary: "Compare two runs",
          description:
            "Record by record, b - a: difference with BCa interval, sign and permutation test, McNemar's for passing, and " +
            "whether the set is large enough to tell.",
          querystring: CompareQuery,
          response: responseSchemas(ComparisonView, 400, 401, 404, 409, 429, 503),
        },
      },
      async ({ query }) => runs.compare(query.a, query.b),
    );
  };
}

function view({ items, nextCursor }: Page<RecordResult>) {
  return { data: items.map(describeResult), next_cursor: nextCursor };
}
