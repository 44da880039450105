import { setImmediate as yieldToOthers } from "node:timers/promises";
import { bootstrapMeanInterval } from "../statistics/bootstrap.ts";
import { costPerCorrect } from "../statistics/cost.ts";
import { type Distribution, distribution, mean } from "../statistics/sample.ts";
import { tooSmall } from "../statistics/size-warning.ts";
import { wilsonInterval } from "../statistics/wilson.ts";
import type { TokenCounts } from "./measurement.ts";
import type { ResultFigures } from "./results-table.ts";

/** Resamples for the intervals of slices, of which there may be many. */
const SLICE_RESAMPLES = 1_000;
/** Tags that are reported, those of most records first. */
const MAX_SLICES = 50;
/** Of scores, rates and milliseconds; more would be noise. */
const DECIMALS = 4;

export type Summary = Awaited<ReturnType<typeof summarize>>;

/**
 * What a run came to. Rates are of all records that have a result: one that failed did not pass. Means are of those
 * that were measured. Gives others their turn between the intervals, each of which takes up to a fifth of a second.
 */
export async function summarize(results: readonly ResultFigures[]) {
  const completed = results.filter(({ isCompleted }) => isCompleted);
  const measurements = completed.flatMap(({ measurement }) => measurement ?? []);
  const passed = results.filter(({ failureCode }) => failureCode === null).length;
  const latency = measurements.map(({ latency_ms }) => latency_ms);
  return {
    ...passRate(passed, results.length),
    ...(await means(completed)),
    total_items: results.length,
    completed_items: completed.length,
    failed_items: results.length - completed.length,
    latency: describe(distribution(latency)),
    latency_p50_ms: distribution(latency)?.p50 ?? null,
    latency_p95_ms: distribution(latency)?.p95 ?? null,
    tokens: tokens(measurements.map((measurement) => measurement.tokens)),
    cost_per_correct_answer: costs(measurements, passed, results.length),
    warnings: [tooSmall(results.length) ?? []].flat(),
  };
}

export type Slice = Awaited<ReturnType<typeof slicesByTag>>[number];

/** The same by tag, for the tags of most records. */
export async function slicesByTag(results: readonly ResultFigures[]) {
  const byTag = new Map<string, ResultFigures[]>();
  for (const result of results) {
    for (const tag of new Set(result.tags)) {
      const members = byTag.get(tag);
      if (members === undefined) byTag.set(tag, [result]);
      else members.push(result);
    }
  }
  const largest = [...byTag].toSorted(
    ([a, one], [b, other]) => other.length - one.length || a.localeCompare(b),
  );
  const slices = [];
  for (const [tag, members] of largest.slice(0, MAX_SLICES)) {
    const completed = members.filter(({ isCompleted }) => isCompleted);
    slices.push({
      tag,
      total_items: members.length,
      failed_items: members.length - completed.length,
      ...passRate(members.filter(({ failureCode }) => failureCode === null).length, members.length),
      ...(await means(completed, SLICE_RESAMPLES)),
      warnings: [tooSmall(members.length) ?? []].flat(),
    });
  }
  return slices;
}

function passRate(passed: number, total: number) {
  const { lower, upper } = wilsonInterval(passed, total);
  return {
    passed_items: passed,
    pass_rate: total === 0 ? null : round(passed / total),
    pass_rate_ci95_lower: total === 0 ? null : round(lower),
    pass_rate_ci95_upper: total === 0 ? null : round(upper),
  };
}

async function means(completed: readonly ResultFigures[], resamples?: number) {
  const scores = await meansOf(
    completed.map((result) => result.scores),
    resamples,
  );
  const expected = await meansOf(
    completed.map((result) => result.expectedScores),
    resamples,
  );
  const metrics = await meansOf(
    completed.map((result) => result.metrics),
    resamples,
  );
  const column = <K extends "mean" | "ci95">(of: typeof scores, key: K) =>
    Object.fromEntries(Object.entries(of).map(([name, figures]) => [name, figures[key]]));
  return {
    mean_scores: column(scores, "mean"),
    mean_scores_ci95: column(scores, "ci95"),
    mean_scores_expected: column(expected, "mean"),
    mean_scores_expected_ci95: column(expected, "ci95"),
    mean_metrics: column(metrics, "mean"),
    mean_metrics_ci95: column(metrics, "ci95"),
  };
}

interface MeanFigures {
  readonly mean: number;
  /** BCa bootstrap. */
  readonly ci95: { readonly lower: number; readonly upper: number; readonly count: number };
}

async function meansOf(
  rows: ReadonlyArray<Readonly<Record<string, number | null>>>,
  resamples: number | undefined,
): Promise<Record<string, MeanFigures>> {
  const columns = new Map<string, number[]>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (value === null) continue;
      const column = columns.get(name);
      if (column === undefined) columns.set(name, [value]);
      else column.push(value);
    }
  }
  const figures: Record<string, MeanFigures> = {};
  for (const [name, values] of columns) {
    const { lower, upper } = bootstrapMeanInterval(values, resamples === undefined ? {} : { resamples });
    figures[name] = {
      mean: round(mean(values)),
      ci95: { lower: round(lower), upper: round(upper), count: values.length },
    };
    await yieldToOthers();
  }
  return figures;
}

function tokens(counts: readonly TokenCounts[]) {
  const total = (of: keyof TokenCounts) => counts.reduce((sum, count) => sum + count[of], 0);
  return {
    prompt_tokens: total("prompt_tokens"),
    cached_prompt_tokens: total("cached_prompt_tokens"),
    completion_tokens: total("completion_tokens"),
    judge_prompt_tokens: total("judge_prompt_tokens"),
    judge_cached_prompt_tokens: total("judge_cached_prompt_tokens"),
    judge_completion_tokens: total("judge_completion_tokens"),
    completion_distribution: describe(distribution(counts.map(({ completion_tokens }) => completion_tokens))),
  };
}

/** In tokens that were computed for the answers, and in the time they took; what the judge cost is not the answer's. */
function costs(
  measurements: ReadonlyArray<{ readonly latency_ms: number; readonly tokens: TokenCounts }>,
  passed: number,
  total: number,
) {
  if (total === 0) return null;
  const computed = measurements.reduce(
    (sum, { tokens: count }) =>
      sum + count.prompt_tokens - count.cached_prompt_tokens + count.completion_tokens,
    0,
  );
  const seconds = measurements.reduce((sum, { latency_ms }) => sum + latency_ms / 1000, 0);
  const cost = (amount: number) => {
    const { value, interval } = costPerCorrect(amount, passed, total);
    return {
      value: value === undefined ? null : round(value),
      ci95_lower: round(interval.lower),
      ci95_upper: Number.isFinite(interval.upper) ? round(interval.upper) : null,
    };
  };
  return { computed_tokens: cost(computed), seconds: cost(seconds) };
}

function describe(figures: Distribution | undefined) {
  if (figures === undefined) return null;
  const { count, standardDeviation, ...rest } = figures;
  return {
    count,
    standard_deviation: round(standardDeviation),
    mean: round(rest.mean),
    min: rest.min,
    p50: round(rest.p50),
    p90: round(rest.p90),
    p95: round(rest.p95),
    p99: round(rest.p99),
    max: rest.max,
  };
}

function round(value: number): number {
  return Number(value.toFixed(DECIMALS));
}
