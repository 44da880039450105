import { type Static, Type } from "typebox";
import { round } from "../timings.ts";
import { quantile } from "./histogram.ts";
import { classOfSeries, type MinuteCount, type sumSeries, type timeSeries } from "./minutes.ts";

const Percentiles = Type.Union([Type.Object({ p50: Type.Number(), p95: Type.Number() }), Type.Null()], {
  description: "Within 9 %; null where there was nothing to measure.",
});
type Percentiles = Static<typeof Percentiles>;

export const TimePoint = Type.Object({
  at: Type.String({ format: "date-time", description: "Where the stretch begins." }),
  requests: Type.Integer(),
  errors: Type.Integer({ description: "Requests answered with 4xx or 5xx, and those whose client left." }),
  prompt_tokens: Type.Integer(),
  cached_prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  latency_ms: Percentiles,
  time_to_first_token_ms: Percentiles,
  queue_ms: Percentiles,
  token_gap_ms: Percentiles,
  classes_ms: Type.Unsafe<Readonly<Record<string, number>>>({
    type: "object",
    additionalProperties: { type: "number" },
    description: "The latency of all answers by what it went to.",
  }),
});
export type TimePoint = Static<typeof TimePoint>;

export interface Stretch {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  readonly stepMs: number;
}

/** A point for each step, those without requests included. Steps begin at multiples of themselves. */
export function seriesOf(counts: readonly MinuteCount[], { from, until, stepMs }: Stretch): TimePoint[] {
  const stepOf = (at: number) => Math.floor(at / stepMs);
  const byStep = Map.groupBy(counts, ({ minute }) => stepOf(minute));
  const first = stepOf(from);
  return Array.from({ length: stepOf(until) - first + 1 }, (_, index) =>
    point((first + index) * stepMs, byStep.get(first + index) ?? []),
  );
}

function point(at: number, counts: readonly MinuteCount[]): TimePoint {
  const of = (series: (typeof timeSeries)[number] | (typeof sumSeries)[number]) =>
    counts.filter((count) => count.series === series);
  const total = (series: (typeof sumSeries)[number]) => of(series).reduce((sum, each) => sum + each.total, 0);
  const classes = counts.flatMap(({ series, total: ms }): Array<[string, number]> => {
    const name = classOfSeries(series);
    return name === undefined ? [] : [[name, ms]];
  });
  return {
    at: new Date(at).toISOString(),
    requests: of("latency").reduce((sum, { count }) => sum + count, 0),
    errors: total("errors"),
    prompt_tokens: total("prompt_tokens"),
    cached_prompt_tokens: total("cached_prompt_tokens"),
    completion_tokens: total("completion_tokens"),
    latency_ms: percentiles(of("latency")),
    time_to_first_token_ms: percentiles(of("first_token")),
    queue_ms: percentiles(of("queue")),
    token_gap_ms: percentiles(of("token_gap")),
    classes_ms: sumByName(classes),
  };
}

function sumByName(values: ReadonlyArray<readonly [string, number]>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of values) sums[name] = round((sums[name] ?? 0) + value, 2);
  return sums;
}

function percentiles(counts: readonly MinuteCount[]): Percentiles {
  const buckets = new Map<number, number>();
  for (const { bucket, count } of counts) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  const [p50, p95] = [quantile(buckets, 0.5), quantile(buckets, 0.95)];
  return p50 === undefined || p95 === undefined ? null : { p50: round(p50, 2), p95: round(p95, 2) };
}
