import { lowerIsBetter } from "../../features/evaluation/runs/request.ts";
import type { RunResultView } from "./client.ts";
import type { FailUnder } from "./options.ts";

/** What of a run is under what was asked for, or over it where less is better, one line each; a figure that the run does not have is under it too. */
export function shortfalls({ summary }: RunResultView, limits: readonly FailUnder[]): string[] {
  return limits.flatMap(({ name, least }) => {
    const value =
      name === undefined
        ? summary.pass_rate
        : (summary.mean_scores[name] ?? summary.mean_metrics[name] ?? null);
    const isCost = name !== undefined && lowerIsBetter.has(name);
    if (value !== null && (isCost ? value <= least : value >= least)) return [];
    return [`${name ?? "pass rate"} is ${value ?? "not measured"}, ${isCost ? "over" : "under"} ${least}`];
  });
}
