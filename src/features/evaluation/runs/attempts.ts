import type { Claim, JobQueue } from "../../../platform/jobs/queue.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import type { DatasetRecord, EvalData } from "../../datasets/dataset.ts";
import type { RecordError } from "./failure.ts";
import type { Measurement } from "./measurement.ts";
import { finalStatus, isFinished, type RunStatus } from "./run.ts";
import { appendEvent } from "./run-table.ts";

/** Times that a record may fail for reasons that pass. */
export const MAX_TRIES = 3;

/** What a record comes to: exactly one of these is ever stored. */
export type Verdict =
  | { readonly measurement: Measurement; readonly failureCode: string | null }
  | { readonly error: RecordError };

/** How many seconds `remaining` records will take, as far as that is known. */
export type Expectation = (remaining: number) => number | undefined;

/** A record of a run that was taken up. */
export interface Attempt {
  readonly runId: string;
  readonly claim: Claim;
  readonly record: DatasetRecord<EvalData>;
  readonly expect: Expectation;
}

interface RunState {
  readonly status: RunStatus;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

/**
 * Every attempt at a record and the one result that it comes to. An attempt is written down in the transaction that
 * takes the record from the queue, and closed in the one that gives it back or stores its result; the run's counters
 * and its events change in the same ones. Whatever is killed at whatever moment, either all of that is there or none.
 */
export class Attempts {
  readonly #store: Store;
  readonly #queue: JobQueue;

  constructor(store: Store, queue: JobQueue) {
    this.#store = store;
    this.#queue = queue;
  }

  /** Claims up to `count` records; undefined when the run is no longer running. */
  async claim(runId: string, count: number): Promise<Claim[] | undefined> {
    const database = await this.#store.database();
    return database.transaction(async (queries) => {
      // The lock holds off a pause or a cancel until these attempts are written down.
      const [run] = await queries.query<RunState>(
        "SELECT status, total, completed, failed FROM batch_runs WHERE run_id = $1 FOR SHARE",
        [runId],
      );
      if (run?.status !== "running") return undefined;
      const claims = await this.#queue.claim(runId, count, queries);
      if (claims.length === 0) return claims;
      // What another server took up and never ended is known to have lapsed now.
      await queries.query(
        `UPDATE batch_attempts SET ended_at = now(), outcome = 'interrupted'
         WHERE run_id = $1 AND position = ANY($2::integer[]) AND outcome IS NULL`,
        [runId, claims.map(({ position }) => position)],
      );
      await queries.query(
        `INSERT INTO batch_attempts (run_id, position, attempt)
         SELECT $1, * FROM unnest($2::integer[], $3::integer[])`,
        [runId, claims.map(({ position }) => position), claims.map(({ attempt }) => attempt)],
      );
      return claims;
    });
  }

  /** Stores the one result of a record, unless it has one or the run is over. The last one ends the run. */
  async settle(attempt: Attempt, verdict: Verdict): Promise<void> {
    const database = await this.#store.database();
    await database.transaction((queries) => this.#settle(queries, attempt, verdict));
  }

  /**
   * Closes an attempt that failed for a reason that passes: the record is tried again after a pause, or, when it has
   * failed `MAX_TRIES` times, the failure is its result. Attempts that were interrupted don't count.
   */
  async retry(attempt: Attempt, error: RecordError): Promise<void> {
    const { runId, claim } = attempt;
    const database = await this.#store.database();
    await database.transaction(async (queries) => {
      const [earlier] = await queries.query<{ count: number }>(
        "SELECT count(*) FROM batch_attempts WHERE run_id = $1 AND position = $2 AND outcome = 'failed'",
        [runId, claim.position],
      );
      if ((earlier?.count ?? 0) + 1 >= MAX_TRIES) {
        await this.#settle(queries, attempt, { error });
        return;
      }
      if (!(await isOver(queries, runId))) await this.#queue.giveBack(runId, [claim], queries);
      await closeAttempt(queries, runId, claim, "failed", error);
    });
  }

  /** Gives records back that nothing came of, through no fault of theirs. */
  async interrupt(runId: string, claims: readonly Claim[]): Promise<void> {
    const database = await this.#store.database();
    await database.transaction(async (queries) => {
      if (!(await isOver(queries, runId))) await this.#queue.giveBack(runId, claims, queries);
      for (const claim of claims) await closeAttempt(queries, runId, claim, "interrupted");
    });
  }

  /** Gives back whatever an earlier process had taken up; only where there can't be another process. */
  async interruptAll(runId: string): Promise<number> {
    const database = await this.#store.database();
    return database.transaction(async (queries) => {
      const claims = await queries.query<{ position: number; attempt: number }>(
        `UPDATE batch_attempts SET ended_at = now(), outcome = 'interrupted'
         WHERE run_id = $1 AND outcome IS NULL RETURNING position, attempt`,
        [runId],
      );
      if (claims.length > 0) await this.#queue.giveBack(runId, claims, queries);
      return claims.length;
    });
  }

  /** Positions of the records that have no result yet. */
  async unsettled(runId: string): Promise<number[]> {
    const database = await this.#store.database();
    const rows = await database.query<{ position: number }>(
      `SELECT place AS position FROM batch_runs, generate_series(0, total - 1) AS place
       WHERE run_id = $1
         AND NOT EXISTS (SELECT FROM batch_results WHERE batch_results.run_id = $1 AND batch_results.position = place)
       ORDER BY place`,
      [runId],
    );
    return rows.map(({ position }) => position);
  }

  async #settle(queries: Queries, attempt: Attempt, verdict: Verdict): Promise<void> {
    const { runId, claim, expect } = attempt;
    const [run] = await queries.query<RunState>(
      "SELECT status, total, completed, failed FROM batch_runs WHERE run_id = $1 FOR UPDATE",
      [runId],
    );
    if (run === undefined) throw new Error(`there is no run ${runId}`);
    if (isFinished(run.status)) {
      await closeAttempt(queries, runId, claim, run.status === "cancelled" ? "cancelled" : "superseded");
      return;
    }
    const isNew = await insertResult(queries, attempt, verdict);
    const outcome = "error" in verdict ? "failed" : "completed";
    await closeAttempt(
      queries,
      runId,
      claim,
      isNew ? outcome : "superseded",
      "error" in verdict ? verdict.error : undefined,
    );
    if (isNew) await countResult(queries, runId, run, outcome, expect);
    await this.#queue.complete(runId, claim, queries);
  }
}

/** Closes what is under way of a run that is cancelled in the same transaction. */
export async function cancelAttempts(queries: Queries, runId: string): Promise<void> {
  await queries.query(
    "UPDATE batch_attempts SET ended_at = now(), outcome = 'cancelled' WHERE run_id = $1 AND outcome IS NULL",
    [runId],
  );
}

async function isOver(queries: Queries, runId: string): Promise<boolean> {
  const [run] = await queries.query<RunState>("SELECT status FROM batch_runs WHERE run_id = $1 FOR SHARE", [
    runId,
  ]);
  return run === undefined || isFinished(run.status);
}

async function closeAttempt(
  queries: Queries,
  runId: string,
  { position, attempt }: Claim,
  outcome: "completed" | "failed" | "interrupted" | "cancelled" | "superseded",
  error?: RecordError,
): Promise<void> {
  await queries.query(
    `UPDATE batch_attempts SET ended_at = now(), outcome = $4, error = $5::jsonb
     WHERE run_id = $1 AND position = $2 AND attempt = $3 AND outcome IS NULL`,
    [runId, position, attempt, outcome, error === undefined ? null : JSON.stringify(error)],
  );
}

/** @returns false when the record had its result already */
async function insertResult(
  queries: Queries,
  { runId, claim: { position, attempt }, record: { recordId, data } }: Attempt,
  verdict: Verdict,
): Promise<boolean> {
  const isError = "error" in verdict;
  const inserted = await queries.query(
    `INSERT INTO batch_results (run_id, position, record_id, status, attempt, record, measurement, error, failure_code)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9) ON CONFLICT DO NOTHING RETURNING position`,
    [
      runId,
      position,
      recordId,
      isError ? "failed" : "completed",
      attempt,
      JSON.stringify(data),
      isError ? null : JSON.stringify(verdict.measurement),
      isError ? JSON.stringify(verdict.error) : null,
      isError ? verdict.error.code : verdict.failureCode,
    ],
  );
  return inserted.length === 1;
}

/** Counts one more result, ends the run with the last one, and notifies its followers. */
async function countResult(
  queries: Queries,
  runId: string,
  { total, ...before }: RunState,
  outcome: "completed" | "failed",
  expect: Expectation,
): Promise<void> {
  const completed = before.completed + (outcome === "completed" ? 1 : 0);
  const failed = before.failed + (outcome === "failed" ? 1 : 0);
  const remaining = total - completed - failed;
  const isLast = remaining === 0;
  const status = isLast ? finalStatus(completed, failed) : before.status;
  await queries.query(
    `UPDATE batch_runs SET completed = $2, failed = $3, status = $4, finished_at = CASE WHEN $5 THEN now() END
     WHERE run_id = $1`,
    [runId, completed, failed, status, isLast],
  );
  await appendEvent(queries, runId, isLast ? "status" : "progress", expect(remaining));
}
