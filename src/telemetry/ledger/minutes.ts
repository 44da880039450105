import { verdict } from "../verdict.ts";
import { bucketOf } from "./histogram.ts";
import type { LedgerRow } from "./row.ts";

/** What is summed up by the minute. Those of times are histograms, the others are sums. */
export const timeSeries = ["latency", "first_token", "queue", "token_gap"] as const;
export const sumSeries = ["errors", "prompt_tokens", "cached_prompt_tokens", "completion_tokens"] as const;

/** Values of one minute, series and bucket: how many there were and what they add up to. */
export interface MinuteCount {
  /** Start of the minute, in milliseconds since 1970. */
  readonly minute: number;
  readonly series: string;
  readonly bucket: number;
  readonly count: number;
  readonly total: number;
}

const MINUTE_MS = 60_000;

/** The share of each class in the latency is a sum too: `class:queue`. */
const CLASS_PREFIX = "class:";

/** Sums rows up by the minute of their arrival. */
export function minuteCounts(rows: readonly LedgerRow[]): MinuteCount[] {
  const counts = new Map<string, MinuteCount>();
  for (const row of rows) {
    const minute = Math.floor(row.at / MINUTE_MS) * MINUTE_MS;
    for (const { series, bucket, value } of samplesOf(row)) {
      const name = `${minute} ${series} ${bucket}`;
      const { count = 0, total = 0 } = counts.get(name) ?? {};
      counts.set(name, { minute, series, bucket, count: count + 1, total: total + value });
    }
  }
  // In one order for all: two servers that add to the same rows must not wait for each other.
  return [...counts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

interface Sample {
  readonly series: string;
  readonly bucket: number;
  readonly value: number;
}

function* samplesOf(row: LedgerRow): Iterable<Sample> {
  const time = (series: (typeof timeSeries)[number], value: number): Sample => ({
    series,
    bucket: bucketOf(value),
    value,
  });
  const sum = (series: string, value: number): Sample => ({ series, bucket: 0, value });
  yield time("latency", row.latencyMs);
  if (row.timeToFirstTokenMs !== null) yield time("first_token", row.timeToFirstTokenMs);
  if (row.generations > 0) yield time("queue", row.queueMs);
  if (row.generations === 1 && row.completionTokens > 1)
    yield time("token_gap", row.decodeMs / (row.completionTokens - 1));
  if (row.status >= 400) yield sum("errors", 1);
  if (row.promptTokens > 0) yield sum("prompt_tokens", row.promptTokens);
  if (row.cachedPromptTokens > 0) yield sum("cached_prompt_tokens", row.cachedPromptTokens);
  if (row.completionTokens > 0) yield sum("completion_tokens", row.completionTokens);
  if (row.limiter === null) return;
  const { classesMs } = verdict(row.parts, row, row.cached);
  for (const [name, ms] of Object.entries(classesMs)) yield sum(CLASS_PREFIX + name, ms);
}

export function classOfSeries(series: string): string | undefined {
  return series.startsWith(CLASS_PREFIX) ? series.slice(CLASS_PREFIX.length) : undefined;
}
