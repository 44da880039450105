import type { EvalData } from "../../datasets/dataset.ts";

/** What came of evaluating one record. */
export interface Measurement {
  /** What the model answered. */
  readonly output: string;
  readonly finish_reason: string;
  readonly scores: readonly CriterionScore[];
  /** Figures by the names of reference metrics; null where the record gives nothing to measure against. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** What those were made of. */
  readonly metric_details: Readonly<Record<string, object>>;
  readonly latency_ms: number;
  readonly tokens: TokenCounts;
}

export interface CriterionScore {
  readonly criterion: string;
  /** 1 to 10. */
  readonly score: number;
  readonly rationale: string;
  /** Expectation over the score tokens' probabilities; null where they are not known. */
  readonly score_expected?: number | null;
}

export interface TokenCounts {
  readonly prompt_tokens: number;
  /** Of the prompt tokens, taken from the KV cache. */
  readonly cached_prompt_tokens: number;
  readonly completion_tokens: number;
  readonly judge_prompt_tokens: number;
  readonly judge_cached_prompt_tokens: number;
  readonly judge_completion_tokens: number;
}

/** One evaluated record, as it is stored. */
export interface RecordResult {
  readonly position: number;
  readonly recordId: string;
  readonly attempt: number;
  readonly record: EvalData;
  readonly measurement: Measurement | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly failureCode: string | null;
  readonly completedAt: Date;
}
