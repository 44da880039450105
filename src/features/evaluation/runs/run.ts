import type { JudgeIdentity } from "../judge.ts";
import type { PromptVersion } from "../judge-prompt.ts";
import type { RunRequest } from "./request.ts";

/** One evaluation of a whole dataset, as it is stored. */
export interface Run {
  readonly runId: string;
  /** Order of creation. */
  readonly position: number;
  readonly status: RunStatus;
  /** Why it is not being worked on or failed, when it was not a user who made it so. */
  readonly statusReason: string | null;
  readonly datasetId: string;
  readonly request: RunRequest;
  readonly provenance: Provenance;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly updatedAt: Date;
}

export const runStatuses = [
  "queued",
  "running",
  "paused",
  "completed",
  "completed_with_failures",
  "failed",
  "cancelled",
] as const;
export type RunStatus = (typeof runStatuses)[number];

export function isFinished(status: RunStatus): boolean {
  return status !== "queued" && status !== "running" && status !== "paused";
}

/** What a run that has a result for every record is called. */
export function finalStatus(completed: number, failed: number): RunStatus {
  if (failed === 0) return "completed";
  return completed === 0 ? "failed" : "completed_with_failures";
}

/** Everything that is needed to do a run again and get the same. */
export interface Provenance {
  readonly model: {
    readonly name: string;
    readonly source: string;
    readonly quantization: string;
    readonly fingerprint: string;
    /** SHA-256 of the file; null until the run begins, since reading a large file takes a while. */
    readonly file_sha256: string | null;
    readonly context_window: number;
  };
  readonly engine_version: string;
  readonly code_version: string;
  readonly task_prompt: PromptVersion;
  /** Null when the run asks for no criteria. */
  readonly judge: JudgeIdentity | null;
  readonly dataset: {
    readonly dataset_id: string;
    readonly name: string;
    readonly content_hash: string;
    readonly record_count: number;
  };
}
