import { stream } from "../api/live.svelte.ts";
import { Metrics, quantile } from "./prometheus.ts";

export const INTERVAL_MS = 2_000;
/** A quarter of an hour. */
const KEPT = 450;

/** One look at the server. */
export interface Reading {
  readonly at: number;
  readonly metrics: Metrics;
}

/** What is drawn of the time between two readings. */
export interface Point {
  readonly at: number;
  readonly running: number;
  readonly waiting: number;
  /** Tokens a second. */
  readonly written: number;
  readonly read: number;
  /** 0 to 1. */
  readonly kvCache: number;
}

/** The server's metrics, followed while the page is open. They are those of `/v1/metrics`, which any client can read. */
class Live {
  #readings = $state.raw<readonly Reading[]>([]);
  error = $state.raw<unknown>(null);

  watch(): () => void {
    return stream.follow({
      topic: "metrics",
      intervalMs: INTERVAL_MS,
      take: (data) => {
        this.#take({ at: Date.now(), metrics: new Metrics((data as { readonly text: string }).text) });
        this.error = null;
        return true;
      },
      failed: (error) => {
        this.error = error;
      },
    });
  }

  get first(): Reading | undefined {
    return this.#readings[0];
  }

  get last(): Reading | undefined {
    return this.#readings.at(-1);
  }

  readonly points = $derived.by((): readonly Point[] =>
    this.#readings.slice(1).map((reading, index) => pointBetween(this.#readings[index] ?? reading, reading)),
  );

  /** Below which time that share of what was counted since the first reading lies, in milliseconds. */
  quantile(histogram: string, share: number): number | null {
    const { first, last } = this;
    if (first === undefined || last === undefined) return null;
    return quantile(first.metrics.buckets(histogram), last.metrics.buckets(histogram), share);
  }

  /** What was counted since the first reading, by a label's value, the most first. */
  by(name: string, label: string): ReadonlyArray<readonly [string, number]> {
    const before = new Map(this.first?.metrics.all(name).map(({ labels, value }) => [labels[label], value]));
    return (this.last?.metrics.all(name) ?? [])
      .map(({ labels, value }) => [labels[label] ?? "", value - (before.get(labels[label]) ?? 0)] as const)
      .filter(([, value]) => value > 0)
      .toSorted(([, a], [, b]) => b - a);
  }

  #take(reading: Reading): void {
    const last = this.last;
    // A server that started again counts from nothing.
    const restarted = last !== undefined && startOf(reading.metrics) > startOf(last.metrics);
    this.#readings = restarted ? [reading] : [...this.#readings, reading].slice(-KEPT);
  }
}

function startOf(metrics: Metrics): number {
  return metrics.sum("process_start_time_seconds");
}

function pointBetween(before: Reading, { at, metrics }: Reading): Point {
  const seconds = (at - before.at) / 1000;
  const rate = (name: string) => Math.max(0, metrics.sum(name) - before.metrics.sum(name)) / seconds;
  return {
    at,
    running: metrics.sum("inference_running_sequences"),
    waiting: metrics.sum("inference_queue_depth"),
    written: rate("inference_tokens_completion_total"),
    read: rate("inference_tokens_prompt_total"),
    kvCache: metrics.sum("inference_kv_cache_usage_ratio"),
  };
}

export const live = new Live();
