import { categoryOf } from "./failure.ts";
import type { RecordResult } from "./measurement.ts";
import { isFinished, type Run } from "./run.ts";

/** A run as the API shows it. `etaSeconds` is what its latest event expected. */
export function describeRun(run: Run, etaSeconds: number | null = null) {
  return {
    run_id: run.runId,
    batch_eval_id: run.runId,
    status: run.status,
    status_reason: run.statusReason,
    dataset_id: run.datasetId,
    progress: { total: run.total, completed: run.completed, failed: run.failed },
    eta_seconds: isFinished(run.status) ? 0 : etaSeconds,
    request: run.request,
    provenance: run.provenance,
    created_at: run.createdAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    finished_at: run.finishedAt?.toISOString() ?? null,
    updated_at: run.updatedAt.toISOString(),
  };
}

/** A record's result as the API and the exports show it. */
export function describeResult(result: RecordResult) {
  const { position, recordId, attempt, record, measurement, error, failureCode, completedAt } = result;
  return {
    position,
    record_id: recordId,
    status: measurement === null ? ("failed" as const) : ("completed" as const),
    passed: failureCode === null,
    failure: failureCode === null ? null : { code: failureCode, category: categoryOf(failureCode) },
    input: record.input,
    reference: record.reference ?? null,
    tags: record.tags ?? [],
    measurement,
    error,
    attempt,
    completed_at: completedAt.toISOString(),
  };
}
