import { csvLine } from "../../../platform/csv.ts";
import type { RecordResult } from "./measurement.ts";
import { describeResult, describeRun } from "./report.ts";
import { metricNames } from "./request.ts";
import type { Run } from "./run.ts";

export const exportFormats = ["jsonl", "csv"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A run and all its results as text, line by line. */
export function exportRun(
  run: Run,
  results: AsyncIterable<RecordResult>,
  format: ExportFormat,
): AsyncIterable<string> {
  return format === "csv" ? toCsv(run, results) : toJsonLines(run, results);
}

/** The first line is the run with everything that made it; each further one is a record. */
async function* toJsonLines(run: Run, results: AsyncIterable<RecordResult>): AsyncIterable<string> {
  yield `${JSON.stringify({ type: "run", ...describeRun(run) })}\n`;
  for await (const result of results)
    yield `${JSON.stringify({ type: "record", ...describeResult(result) })}\n`;
}

/** One row per record. Each names its run and model: rows of several exports can be put in one table. */
async function* toCsv(run: Run, results: AsyncIterable<RecordResult>): AsyncIterable<string> {
  const { criteria } = run.request;
  const metrics = metricNames(run.request);
  yield csvLine([
    "run_id",
    "model",
    "position",
    "record_id",
    "status",
    "passed",
    "failure_code",
    ...criteria.map((criterion) => `score_${criterion}`),
    ...metrics.map((metric) => `metric_${metric}`),
    ...criteria.map((criterion) => `score_expected_${criterion}`),
    "latency_ms",
    "prompt_tokens",
    "completion_tokens",
    "attempt",
    "tags",
    "prompt",
    "reference",
    "output",
    "error",
  ]);
  for await (const { record, measurement, ...result } of results) {
    const scores = criteria.map((name) => measurement?.scores.find(({ criterion }) => criterion === name));
    yield csvLine([
      run.runId,
      run.provenance.model.name,
      result.position,
      result.recordId,
      measurement === null ? "failed" : "completed",
      result.failureCode === null,
      result.failureCode,
      ...scores.map((score) => score?.score),
      ...metrics.map((metric) => measurement?.metrics[metric]),
      ...scores.map((score) => score?.score_expected),
      measurement?.latency_ms,
      measurement?.tokens.prompt_tokens,
      measurement?.tokens.completion_tokens,
      result.attempt,
      record.tags?.join(" "),
      record.input.prompt,
      record.reference?.answer,
      measurement?.output,
      result.error?.message,
    ]);
  }
}
