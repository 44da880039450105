import type { Queries } from "../../../platform/store/database.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import type { RecordError } from "./failure.ts";
import type { CriterionScore, Measurement, RecordResult } from "./measurement.ts";

/** Rows that one statement reads when all are wanted: a reader never holds more of them in memory. */
const CHUNK = 500;

export interface ResultFilter {
  readonly status?: "completed" | "failed";
  /** Only records that did not pass, for one of these reasons. */
  readonly failureCodes?: readonly string[];
  /** Only records that did not pass. */
  readonly isFailure?: boolean;
  readonly tag?: string;
}

interface ResultRow {
  readonly position: number;
  readonly record_id: string;
  readonly attempt: number;
  readonly record: EvalData;
  readonly measurement: Measurement | null;
  readonly error: RecordError | null;
  readonly failure_code: string | null;
  readonly completed_at: Date;
}

/** Results in the order of their records, those after position `after`. */
export async function pageOfResults(
  queries: Queries,
  runId: string,
  after: number,
  limit: number,
  filter: ResultFilter = {},
): Promise<RecordResult[]> {
  const { status = null, failureCodes = null, isFailure = false, tag = null } = filter;
  const rows = await queries.query<ResultRow>(
    `SELECT position, record_id, attempt, record, measurement, error, failure_code, completed_at FROM batch_results
     WHERE run_id = $1 AND position > $2::bigint
       AND ($4::text IS NULL OR status = $4)
       AND ($5::text[] IS NULL OR failure_code = ANY($5))
       AND (NOT $6 OR failure_code IS NOT NULL)
       AND ($7::text IS NULL OR record->'tags' @> jsonb_build_array($7::text))
     ORDER BY position LIMIT $3`,
    [runId, after, limit, status, failureCodes, isFailure, tag],
  );
  return rows.map((row) => ({
    position: row.position,
    recordId: row.record_id,
    attempt: row.attempt,
    record: row.record,
    measurement: row.measurement,
    error: row.error,
    failureCode: row.failure_code,
    completedAt: row.completed_at,
  }));
}

/** Every result, in the order of the records, read piece by piece. */
export async function* allResults(
  queries: Queries,
  runId: string,
  filter?: ResultFilter,
): AsyncIterable<RecordResult> {
  for (let after = -1; ; ) {
    const page = await pageOfResults(queries, runId, after, CHUNK, filter);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < CHUNK) return;
    after = last.position;
  }
}

/** How many records did not pass for each reason, most frequent first. */
export async function failureCounts(
  queries: Queries,
  runId: string,
): Promise<ReadonlyArray<{ readonly code: string; readonly count: number }>> {
  return queries.query(
    `SELECT failure_code AS code, count(*) AS count FROM batch_results
     WHERE run_id = $1 AND failure_code IS NOT NULL GROUP BY failure_code ORDER BY count DESC, code`,
    [runId],
  );
}

/** What statistics need of one result, without its texts. */
export interface ResultFigures {
  readonly position: number;
  readonly isCompleted: boolean;
  readonly failureCode: string | null;
  readonly tags: readonly string[];
  /** By criterion. */
  readonly scores: Readonly<Record<string, number>>;
  /** By criterion; null where the judge does not tell. */
  readonly expectedScores: Readonly<Record<string, number | null>>;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly measurement: Pick<Measurement, "latency_ms" | "tokens"> | null;
}

interface FiguresRow {
  readonly position: number;
  readonly failure_code: string | null;
  readonly tags: readonly string[] | null;
  readonly scores: ReadonlyArray<Omit<CriterionScore, "rationale">> | null;
  readonly metrics: Readonly<Record<string, number | null>> | null;
  readonly tokens: Measurement["tokens"] | null;
  readonly latency_ms: number | null;
}

/** The figures of every result, in the order of the records. */
export async function figuresOf(queries: Queries, runId: string): Promise<ResultFigures[]> {
  const figures: ResultFigures[] = [];
  for (let after = -1; ; ) {
    const rows = await queries.query<FiguresRow>(
      `SELECT position, failure_code, record->'tags' AS tags,
         (SELECT jsonb_agg(score - 'rationale') FROM jsonb_array_elements(measurement->'scores') AS score) AS scores,
         measurement->'metrics' AS metrics, measurement->'tokens' AS tokens,
         (measurement->>'latency_ms')::double precision AS latency_ms
       FROM batch_results WHERE run_id = $1 AND position > $2 ORDER BY position LIMIT $3`,
      [runId, after, 4 * CHUNK],
    );
    figures.push(...rows.map(toFigures));
    const last = rows.at(-1);
    if (last === undefined || rows.length < 4 * CHUNK) return figures;
    after = last.position;
  }
}

function toFigures(row: FiguresRow): ResultFigures {
  return {
    position: row.position,
    isCompleted: row.tokens !== null,
    failureCode: row.failure_code,
    tags: row.tags ?? [],
    scores: Object.fromEntries((row.scores ?? []).map(({ criterion, score }) => [criterion, score])),
    expectedScores: Object.fromEntries(
      (row.scores ?? []).map(({ criterion, score_expected = null }) => [criterion, score_expected]),
    ),
    metrics: row.metrics ?? {},
    measurement:
      row.tokens === null || row.latency_ms === null
        ? null
        : { latency_ms: row.latency_ms, tokens: row.tokens },
  };
}
