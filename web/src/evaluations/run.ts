import type { Static } from "typebox";
import type { describeResult } from "../../../src/features/evaluation/runs/report.ts";
import type { RunPage, RunResult, RunView } from "../../../src/features/evaluation/runs/schema.ts";
import type { Summary } from "../../../src/features/evaluation/runs/summary.ts";

export type Run = Static<typeof RunView>;
export type Runs = Static<typeof RunPage>;
export type Result = Omit<Static<typeof RunResult>, "summary"> & { readonly summary: Summary };
export type RecordResult = ReturnType<typeof describeResult>;

export const criteria = ["overall", "accuracy", "clarity", "reasoning", "factuality"] as const;

/** Metrics that need a reference and no options. */
export const metrics = [
  "exact_match",
  "normalized_match",
  "token_f1",
  "rouge_l",
  "chrf",
  "embedding_similarity",
] as const;

export function isOver({ status }: Pick<Run, "status">): boolean {
  return !["queued", "running", "paused"].includes(status);
}

export function inWords(name: string): string {
  return name.replaceAll("_", " ");
}
