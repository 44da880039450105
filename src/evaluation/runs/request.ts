import type { Criterion } from "../judge-prompt.ts";

/** What a run does, with every default written out; stored with it. */
export interface RunRequest {
  readonly dataset_id: string;
  readonly criteria: readonly Criterion[];
  /** Options by the names of reference metrics. */
  readonly metrics: Readonly<Record<string, object>>;
  readonly thresholds: Readonly<Record<string, number>>;
  readonly concurrency: number;
  /** Said to the model before every record's prompt. */
  readonly instructions: string | null;
  readonly generation: {
    readonly temperature: number;
    readonly top_p: number;
    readonly max_new_tokens: number;
    readonly seed: number;
  };
}
