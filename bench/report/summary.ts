import type { LoadResult } from "../load/closed-loop.ts";
import { firstTokenMs, gapsMs, isComplete, isRejection, type Outcome, perTokenMs } from "../load/outcome.ts";
import { mean, percentile, sum } from "./statistics.ts";

/** What an answer must keep to count as good. Milliseconds. */
export interface ServiceLevel {
  readonly firstTokenMs: number;
  readonly perTokenMs: number;
}

/** Numbers by name, with the unit in the name. A number that could not be measured is left out. */
export type Figures = Readonly<Record<string, number>>;

/** The figures of one load on one server. */
export function summarize(load: LoadResult, level: ServiceLevel): Figures {
  const complete = load.outcomes.filter(isComplete);
  const seconds = load.wallMs / 1000;
  const tokens = sum(complete.map((outcome) => outcome.usage?.completionTokens ?? 0));
  const latencies = complete.map((outcome) => outcome.latencyMs);
  const firstTokens = complete.flatMap((outcome) => firstTokenMs(outcome) ?? []);
  const gaps = complete.flatMap(gapsMs);
  const drafted = sum(complete.map((outcome) => outcome.usage?.draftedTokens ?? 0));
  return finite({
    requests: load.outcomes.length,
    completed: complete.length,
    rejected: load.outcomes.filter(isRejection).length,
    failed: load.outcomes.filter((outcome) => !isComplete(outcome) && !isRejection(outcome)).length,
    wallSeconds: seconds,
    tokensPerSecond: tokens / seconds,
    requestsPerSecond: complete.length / seconds,
    latencyP50Ms: percentile(latencies, 50),
    latencyP95Ms: percentile(latencies, 95),
    latencyP99Ms: percentile(latencies, 99),
    firstTokenP50Ms: percentile(firstTokens, 50),
    firstTokenP95Ms: percentile(firstTokens, 95),
    firstTokenP99Ms: percentile(firstTokens, 99),
    perTokenMeanMs: mean(complete.flatMap((outcome) => perTokenMs(outcome) ?? [])),
    gapP95Ms: percentile(gaps, 95),
    gapP99Ms: percentile(gaps, 99),
    goodRequestsPerSecond: complete.filter((outcome) => isGood(outcome, level)).length / seconds,
    goodTokensPerSecond:
      sum(complete.filter((each) => isGood(each, level)).map((each) => each.usage?.completionTokens ?? 0)) /
      seconds,
    promptTokensMean: mean(complete.map((outcome) => outcome.usage?.promptTokens ?? 0)),
    completionTokensMean: tokens / complete.length,
    cachedPromptTokensMean: mean(complete.map((outcome) => outcome.usage?.cachedPromptTokens ?? 0)),
    draftedTokens: drafted,
    acceptedTokens: sum(complete.map((outcome) => outcome.usage?.acceptedTokens ?? 0)),
  });
}

/** Finished, began in time, and kept the pace. */
export function isGood(outcome: Outcome, level: ServiceLevel): boolean {
  const first = firstTokenMs(outcome);
  const pace = perTokenMs(outcome) ?? 0;
  return (
    isComplete(outcome) && first !== undefined && first <= level.firstTokenMs && pace <= level.perTokenMs
  );
}

/** How often each failure came, as `status reason`. */
export function countFailures(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, failure } of outcomes) {
    if (failure === undefined) continue;
    const key = `${status} ${failure}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

export function finite(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value)));
}
