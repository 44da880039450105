import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { EngineStats, GenerationTimings, Usage } from "../inference/engine.ts";

/** vLLM's own buckets (vllm/v1/metrics/loggers.py), which dashboards' quantiles are drawn with. */
const firstTokenBuckets = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];
const tokenBuckets = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const requestBuckets = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];
const lengthBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/** Both of a metric's labels: there is one engine to a model. */
const labelNames = ["model_name", "engine"] as const;
type Label = (typeof labelNames)[number] | "finished_reason";

/** A model and its live numbers. */
export interface WatchedModel {
  readonly name: string;
  readonly stats: EngineStats;
}

/**
 * The same figures under vLLM's names, in its units and with its labels: dashboards, autoscalers and inference gateways
 * that know vLLM know this server.
 */
export class VllmMetrics {
  readonly #registry: Registry;
  readonly #promptTokens: Counter<Label>;
  readonly #generationTokens: Counter<Label>;
  readonly #prefixQueries: Counter<Label>;
  readonly #prefixHits: Counter<Label>;
  readonly #successes: Counter<Label>;
  readonly #firstToken: Histogram<Label>;
  readonly #tokenGap: Histogram<Label>;
  readonly #latency: Histogram<Label>;
  readonly #queue: Histogram<Label>;
  readonly #prefill: Histogram<Label>;
  readonly #decode: Histogram<Label>;
  readonly #promptLength: Histogram<Label>;
  readonly #answerLength: Histogram<Label>;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    const counter = (name: string, help: string, labels: readonly Label[] = labelNames) =>
      new Counter({ name: `vllm:${name}`, help, labelNames: labels, registers });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram<Label>({ name: `vllm:${name}`, help, labelNames, buckets, registers });
    this.#promptTokens = counter("prompt_tokens_total", "Prompt tokens, cached ones included.");
    this.#generationTokens = counter("generation_tokens_total", "Tokens generated.");
    this.#prefixQueries = counter(
      "prefix_cache_queries_total",
      "Prompt tokens looked up in the prefix cache.",
    );
    this.#prefixHits = counter("prefix_cache_hits_total", "Prompt tokens found there.");
    this.#successes = counter("request_success_total", "Generations ended, by how.", [
      ...labelNames,
      "finished_reason",
    ]);
    this.#firstToken = histogram("time_to_first_token_seconds", "Arrival to first token.", firstTokenBuckets);
    this.#tokenGap = histogram(
      "request_time_per_output_token_seconds",
      "Mean time between the tokens of one generation.",
      tokenBuckets,
    );
    this.#latency = histogram("e2e_request_latency_seconds", "Arrival to last token.", requestBuckets);
    this.#queue = histogram(
      "request_queue_time_seconds",
      "Arrival to the first prefill step.",
      requestBuckets,
    );
    this.#prefill = histogram(
      "request_prefill_time_seconds",
      "First prefill step to first token.",
      requestBuckets,
    );
    this.#decode = histogram("request_decode_time_seconds", "First token to last token.", requestBuckets);
    this.#promptLength = histogram("request_prompt_tokens", "Prompt tokens of a generation.", lengthBuckets);
    this.#answerLength = histogram("request_generation_tokens", "Tokens of an answer.", lengthBuckets);
  }

  /** Reads the models' live numbers whenever the metrics are read. */
  watch(models: () => readonly WatchedModel[]): void {
    const gauge = (name: string, help: string, read: (stats: EngineStats) => number) => {
      const metric: Gauge<Label> = new Gauge({
        name: `vllm:${name}`,
        help,
        labelNames,
        registers: [this.#registry],
        collect: () => {
          metric.reset();
          for (const model of models()) metric.set(labels(model.name), read(model.stats));
        },
      });
    };
    gauge("num_requests_running", "Requests in a sequence.", (stats) => stats.runningSequences);
    gauge("num_requests_waiting", "Requests waiting for a sequence.", (stats) => stats.queueDepth);
    gauge(
      "kv_cache_usage_perc",
      "Share of the KV cache in use by running sequences; 1 is all of it.",
      (stats) => stats.kvCacheUsage,
    );
  }

  generationFinished(model: string, finishReason: string, usage: Usage, timings: GenerationTimings): void {
    const of = labels(model);
    const { queueMs, prefillMs, decodeMs } = timings;
    const { promptTokens, cachedPromptTokens, completionTokens } = usage;
    const finished = finishReason === "cancelled" ? "abort" : finishReason;
    this.#successes.inc({ ...of, finished_reason: finished });
    this.#promptTokens.inc(of, promptTokens);
    this.#generationTokens.inc(of, completionTokens);
    this.#prefixQueries.inc(of, promptTokens);
    this.#prefixHits.inc(of, cachedPromptTokens);
    this.#queue.observe(of, queueMs / 1000);
    this.#prefill.observe(of, prefillMs / 1000);
    this.#decode.observe(of, decodeMs / 1000);
    this.#latency.observe(of, (queueMs + prefillMs + decodeMs) / 1000);
    this.#promptLength.observe(of, promptTokens);
    this.#answerLength.observe(of, completionTokens);
    if (completionTokens > 0) this.#firstToken.observe(of, (queueMs + prefillMs) / 1000);
    if (completionTokens > 1) this.#tokenGap.observe(of, decodeMs / (completionTokens - 1) / 1000);
  }
}

function labels(model: string): Record<(typeof labelNames)[number], string> {
  return { model_name: model, engine: "0" };
}
