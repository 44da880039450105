import { type ErrorWords, UnavailableError, type UnavailableReason } from "../../../errors.ts";
import { UpstreamError } from "../../../inference/upstream/upstream-error.ts";

/** Why a record has no measurement. */
export type RecordError = ErrorWords;

/** Reasons worth retrying; every other failure would repeat. */
const transient: ReadonlySet<UnavailableReason> = new Set([
  "loading_model",
  "engine_restarting",
  "engine_failed",
  "queue_full",
  "queue_timeout",
  "request_timeout",
]);

export function isTransient(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false;
  // A judge elsewhere that was busy or could not be reached, not one that gave no score.
  if (error.reason === "judge_failed") return error.cause instanceof UpstreamError && error.cause.isTransient;
  return transient.has(error.reason);
}

/** True when the server itself is going away, which is not the record's failure. */
export function isShutdown(error: unknown): boolean {
  return error instanceof UnavailableError && error.reason === "draining";
}

/** Groups of failure codes, from "the run's surroundings" to "the model's answer". */
export const taxonomy = {
  /** The engine or the server did not get it done. */
  engine: [
    "engine_failed",
    "engine_restarting",
    "loading_model",
    "model_unavailable",
    "queue_full",
    "queue_timeout",
    "request_timeout",
    "record_lost",
    "internal_error",
  ],
  /** The record can't be evaluated as it is. */
  input: ["context_length_exceeded", "invalid_request", "missing_reference", "record_missing"],
  /** The judge gave no score. */
  judge: ["judge_failed"],
  /** The model's answer can't be read. */
  output: ["empty_output"],
  /** An answer, and not good enough by the run's rule. */
  quality: ["low_score", "wrong_answer"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type FailureCategory = keyof typeof taxonomy;
export const failureCategories = Object.keys(taxonomy) as FailureCategory[];

export function categoryOf(code: string): FailureCategory {
  const found = failureCategories.find((category) =>
    (taxonomy[category] as readonly string[]).includes(code),
  );
  return found ?? "engine";
}
