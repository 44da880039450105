import type { Queries } from "../../../platform/store/database.ts";
import type { RunRequest } from "./request.ts";
import type { Provenance, Run, RunStatus } from "./run.ts";

interface RunRow {
  readonly run_id: string;
  readonly position: number;
  readonly status: RunStatus;
  readonly status_reason: string | null;
  readonly dataset_id: string;
  readonly request: RunRequest;
  readonly provenance: Provenance;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly updated_at: Date;
}

/** The columns of `RunRow`. */
const columns = `run_id, position, status, status_reason, dataset_id, request, provenance, total, completed, failed,
  created_at, started_at, finished_at, updated_at`;

export interface NewRun {
  readonly runId: string;
  readonly request: RunRequest;
  readonly provenance: Provenance;
  readonly total: number;
}

export async function insertRun(queries: Queries, run: NewRun): Promise<Run> {
  const rows = await queries.query<RunRow>(
    `INSERT INTO batch_runs (run_id, status, dataset_id, request, provenance, total)
     VALUES ($1, 'queued', $2, $3::jsonb, $4::jsonb, $5) RETURNING ${columns}`,
    [
      run.runId,
      run.request.dataset_id,
      JSON.stringify(run.request),
      JSON.stringify(run.provenance),
      run.total,
    ],
  );
  await appendEvent(queries, run.runId, "status");
  return toRun(rows[0] as RunRow);
}

export async function findRun(queries: Queries, runId: string): Promise<Run | undefined> {
  const rows = await queries.query<RunRow>(`SELECT ${columns} FROM batch_runs WHERE run_id = $1`, [runId]);
  return rows[0] && toRun(rows[0]);
}

/** Newest first; those made before the one at `before`, when that is given. */
export async function listRuns(queries: Queries, limit: number, before: number | undefined): Promise<Run[]> {
  const rows = await queries.query<RunRow>(
    `SELECT ${columns} FROM batch_runs WHERE $2::bigint IS NULL OR position < $2 ORDER BY position DESC LIMIT $1`,
    [limit, before ?? null],
  );
  return rows.map(toRun);
}

/** Runs that are to be worked on, oldest first; with `silentMs`, those that no server has written to for so long. */
export async function activeRuns(queries: Queries, silentMs = 0): Promise<Run[]> {
  const rows = await queries.query<RunRow>(
    `SELECT ${columns} FROM batch_runs
     WHERE finished_at IS NULL AND status IN ('queued', 'running')
       AND updated_at <= now() - $1 * interval '1 millisecond'
     ORDER BY position`,
    [silentMs],
  );
  return rows.map(toRun);
}

/**
 * Takes the run from one of the states `from` to `to` and notifies its followers; undefined when it was in none of them.
 * To be called in a transaction.
 */
export async function changeStatus(
  queries: Queries,
  runId: string,
  from: readonly RunStatus[],
  to: RunStatus,
  reason: string | null = null,
): Promise<Run | undefined> {
  const rows = await queries.query<RunRow>(
    `UPDATE batch_runs SET status = $3, status_reason = $4, updated_at = now(),
       started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
       finished_at = CASE WHEN $3 IN ('completed', 'completed_with_failures', 'failed', 'cancelled') THEN now() END
     WHERE run_id = $1 AND status = ANY($2::text[]) RETURNING ${columns}`,
    [runId, from, to, reason],
  );
  if (rows[0] === undefined) return undefined;
  await appendEvent(queries, runId, "status");
  return toRun(rows[0]);
}

export async function setFileHash(queries: Queries, runId: string, sha256: string): Promise<void> {
  await queries.query(
    `UPDATE batch_runs SET provenance = jsonb_set(provenance, '{model,file_sha256}', to_jsonb($2::text)) WHERE run_id = $1`,
    [runId, sha256],
  );
}

/** Writes down the run's state as an event of it, numbered in order. `etaSeconds` is what was expected then. */
export async function appendEvent(
  queries: Queries,
  runId: string,
  type: "status" | "progress",
  etaSeconds?: number,
): Promise<void> {
  await queries.query(
    `WITH run AS (UPDATE batch_runs SET last_event = last_event + 1, updated_at = now() WHERE run_id = $1 RETURNING *)
     INSERT INTO batch_events (run_id, event_id, type, data)
     SELECT run_id, last_event, $2, jsonb_build_object(
       'run_id', run_id, 'status', status, 'status_reason', status_reason,
       'progress', jsonb_build_object('total', total, 'completed', completed, 'failed', failed),
       'eta_seconds', $3::double precision)
     FROM run`,
    [runId, type, etaSeconds ?? null],
  );
}

export interface RunEvent {
  readonly event_id: number;
  readonly type: "status" | "progress";
  readonly data: object;
}

/** Events after the one numbered `after`, in order. */
export async function eventsAfter(
  queries: Queries,
  runId: string,
  after: number,
  limit: number,
): Promise<RunEvent[]> {
  return queries.query<RunEvent>(
    "SELECT event_id, type, data FROM batch_events WHERE run_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3",
    [runId, after, limit],
  );
}

/** Seconds that the run was expected to take yet, when its latest event was written. */
export async function latestEta(queries: Queries, runId: string): Promise<number | null> {
  const rows = await queries.query<{ eta: number | null }>(
    `SELECT (data->>'eta_seconds')::double precision AS eta FROM batch_events
     WHERE run_id = $1 ORDER BY event_id DESC LIMIT 1`,
    [runId],
  );
  return rows[0]?.eta ?? null;
}

function toRun(row: RunRow): Run {
  return {
    runId: row.run_id,
    position: row.position,
    status: row.status,
    statusReason: row.status_reason,
    datasetId: row.dataset_id,
    request: row.request,
    provenance: row.provenance,
    total: row.total,
    completed: row.completed,
    failed: row.failed,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    updatedAt: row.updated_at,
  };
}
