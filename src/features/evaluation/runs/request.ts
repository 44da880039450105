import type { Agent } from "../../agents/agent.ts";
import type { Criterion } from "../judge-prompt.ts";

export const tasks = ["generate", "multiple_choice", "likelihood", "agent"] as const;
/** `generate` and `agent`: an answer, judged and measured; the others score given texts by likelihood. */
export type Task = (typeof tasks)[number];

/** What a run does, with every default written out; stored with it. */
export interface RunRequest {
  readonly dataset_id: string;
  readonly task: Task;
  readonly criteria: readonly Criterion[];
  /** Options by the names of reference metrics. */
  readonly metrics: Readonly<Record<string, object>>;
  readonly thresholds: Readonly<Record<string, number>>;
  readonly concurrency: number;
  /** Who does the tasks of a run of agents, as it was when the run was made. */
  readonly agent: Agent | null;
  /** Times that it does each. */
  readonly attempts: number;
  /** Said to the model before every record's prompt. */
  readonly instructions: string | null;
  readonly generation: {
    readonly temperature: number;
    readonly top_p: number;
    readonly max_new_tokens: number;
    readonly seed: number;
  };
}

/** What each task measures by itself. */
const ownMetrics: Readonly<Record<Task, readonly string[]>> = {
  generate: [],
  multiple_choice: ["acc", "acc_norm"],
  likelihood: ["perplexity", "bits_per_byte"],
  agent: ["calls", "pass_at_1", "pass_all"],
};

/** Metrics of which less is better: their limits are the largest values. */
export const lowerIsBetter: ReadonlySet<string> = new Set(["perplexity", "bits_per_byte"]);

/** Metrics that the run's records have figures for. */
export function metricNames({ task, metrics }: Pick<RunRequest, "task" | "metrics">): readonly string[] {
  return [...Object.keys(metrics), ...ownMetrics[task]];
}
