import type { RunResultView } from "./client.ts";
import type { FailUnder } from "./options.ts";

/** What of a run is under what was asked for, one line each; a figure that the run does not have is under it too. */
export function shortfalls({ summary }: RunResultView, limits: readonly FailUnder[]): string[] {
  return limits.flatMap(({ name, least }) => {
    const value =
      name === undefined
        ? summary.pass_rate
        : (summary.mean_scores[name] ?? summary.mean_metrics[name] ?? null);
    if (value !== null && value >= least) return [];
    return [`${name ?? "pass rate"} is ${value ?? "not measured"}, under ${least}`];
  });
}
