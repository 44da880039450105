import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EmbeddingEngine } from "../inference/embedding/engine.ts";
import type { Engine, GenerationTimings, Usage } from "../inference/engine.ts";
import type { CacheObserver } from "../platform/cache/cache.ts";
import type { Verdict } from "./verdict.ts";
import { VllmMetrics, type WatchedModel } from "./vllm-metrics.ts";

const latencyBuckets = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000];
const queryBuckets = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const perTokenBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** The server's Prometheus metrics, under the contract's names. */
export class Metrics implements CacheObserver {
  readonly registry = new Registry();
  readonly #vllm = new VllmMetrics(this.registry);
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;
  readonly #failures: Counter<"code" | "reason">;
  readonly #limited: Counter<"class">;
  readonly #limitedSeconds: Counter<"class">;
  readonly #queueWaits: Histogram;
  readonly #promptTokens: Counter;
  readonly #completionTokens: Counter;
  readonly #timeToFirstToken: Histogram;
  readonly #timePerOutputToken: Histogram;
  readonly #generations: Counter<"finish_reason">;
  readonly #rateLimited: Counter;
  readonly #loadDuration: Gauge;
  readonly #storeQueries: Histogram<"outcome">;
  readonly #audited: Counter<"verdict">;
  readonly #embeddedTexts: Counter;
  readonly #embeddedTokens: Counter;
  readonly #embeddingDurations: Histogram;
  readonly #cacheHits: Counter<"cache">;
  readonly #cacheMisses: Counter<"cache">;
  readonly #cacheErrors: Counter<"cache">;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: "http_requests_total",
      help: "Requests answered.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "http_request_duration_ms",
      help: "Time from arrival to the end of the answer.",
      labelNames: ["method", "route"],
      buckets: latencyBuckets,
      registers,
    });
    this.#failures = new Counter({
      name: "request_failures_total",
      help: "Requests that ended in an error, by its code and, for 503, `details.reason`.",
      labelNames: ["code", "reason"],
      registers,
    });
    this.#limited = new Counter({
      name: "answers_limited_total",
      help: "Answers, by what most of their time went to.",
      labelNames: ["class"],
      registers,
    });
    this.#limitedSeconds = new Counter({
      name: "answer_limited_seconds_total",
      help: "Seconds of answers, by what they went to; the classes add up to the latency.",
      labelNames: ["class"],
      registers,
    });
    this.#queueWaits = new Histogram({
      name: "inference_queue_wait_seconds",
      help: "Arrival to the first prefill step.",
      buckets: latencyBuckets.map((ms) => ms / 1000),
      registers,
    });
    this.#promptTokens = new Counter({
      name: "inference_tokens_prompt_total",
      help: "Prompt tokens of finished generations, cached ones included.",
      registers,
    });
    this.#completionTokens = new Counter({
      name: "inference_tokens_completion_total",
      help: "Tokens generated.",
      registers,
    });
    this.#timeToFirstToken = new Histogram({
      name: "inference_time_to_first_token_ms",
      help: "Arrival to first token.",
      buckets: latencyBuckets,
      registers,
    });
    this.#timePerOutputToken = new Histogram({
      name: "inference_time_per_output_token_ms",
      help: "Mean time between the tokens of one generation.",
      buckets: perTokenBuckets,
      registers,
    });
    this.#generations = new Counter({
      name: "inference_generations_total",
      help: "Generations ended, by how.",
      labelNames: ["finish_reason"],
      registers,
    });
    this.#rateLimited = new Counter({
      name: "rate_limit_rejections_total",
      help: "Requests refused by the rate limit.",
      registers,
    });
    this.#loadDuration = new Gauge({
      name: "model_load_duration_ms",
      help: "Time the model took to load, the last time.",
      registers,
    });
    this.#storeQueries = new Histogram({
      name: "store_query_duration_ms",
      help: "Statements of the store, from the call to the answer, waiting included.",
      labelNames: ["outcome"],
      buckets: queryBuckets,
      registers,
    });
    this.#audited = new Counter({
      name: "self_audited_answers_total",
      help: "Earlier reproducible answers that the model has scored again while idle, by what it made of them.",
      labelNames: ["verdict"],
      registers,
    });
    // Prometheus sees no increase in a series that begins with it.
    for (const verdict of ["identical", "consistent", "contradicted", "different"])
      this.#audited.inc({ verdict }, 0);
    this.#embeddedTexts = new Counter({
      name: "embedding_texts_total",
      help: "Texts embedded, cached ones included.",
      registers,
    });
    this.#embeddedTokens = new Counter({
      name: "embedding_tokens_total",
      help: "Tokens of the texts embedded, cached ones included.",
      registers,
    });
    this.#embeddingDurations = new Histogram({
      name: "embedding_duration_ms",
      help: "Time from a call to its vectors, waiting included.",
      buckets: latencyBuckets,
      registers,
    });
    const cacheCounter = (name: string, help: string) =>
      new Counter({ name, help, labelNames: ["cache"] as const, registers });
    this.#cacheHits = cacheCounter("cache_hits_total", "Look-ups that a cache answered.");
    this.#cacheMisses = cacheCounter("cache_misses_total", "Look-ups that it did not.");
    this.#cacheErrors = cacheCounter(
      "cache_errors_total",
      "Times that Redis failed, and this process's own memory stood in.",
    );
  }

  /** Reads the engine's live numbers whenever the metrics are read. */
  watch(engine: Pick<Engine, "stats">): void {
    const gauge = this.#gauge.bind(this);
    gauge("inference_queue_depth", "Requests waiting for a sequence.", () => engine.stats.queueDepth);
    gauge("inference_running_sequences", "Requests in a sequence.", () => engine.stats.runningSequences);
    gauge(
      "inference_kv_cache_usage_ratio",
      "Share of the KV cache in use by running sequences.",
      () => engine.stats.kvCacheUsage,
    );
    this.#follow(
      "inference_prefix_cache_hit_tokens_total",
      "Prompt tokens taken from the KV cache.",
      () => engine.stats.prefixCacheHitTokens,
    );
    gauge("engine_threads", "Compute threads of the latest step.", () => engine.stats.threads);
    this.#follow("engine_step_ms_total", "Time spent in scheduler steps.", () => engine.stats.stepMs);
    this.#follow(
      "engine_native_ms_total",
      "Part of it in native decode and sampling.",
      () => engine.stats.computeMs,
    );
    this.#follow(
      "engine_decode_steps_total",
      "Steps that computed no prompt.",
      () => engine.stats.decodeSteps,
    );
    this.#follow(
      "engine_decode_passes_total",
      "Passes over the weights that these steps took; more than one each where running sequences lie apart.",
      () => engine.stats.decodePasses,
    );
    gauge(
      "engine_kv_cache_shared",
      "1 while the sequences lie in one shared KV buffer; 0 while each has its own.",
      () => engine.stats.sharedKvCaches,
    );
    this.#follow(
      "engine_kv_layout_changes_total",
      "Changes between the two, to suit what requests have in common.",
      () => engine.stats.kvLayoutChanges,
    );
    this.#follow(
      "engine_restarts_total",
      "Restarts of the engine process after a crash or hang.",
      () => engine.stats.restarts,
    );
  }

  /** Reads each model's live numbers likewise. */
  watchModels(models: () => readonly WatchedModel[]): void {
    this.#vllm.watch(models);
  }

  watchStore(isOpen: () => boolean): void {
    this.#gauge("store_open", "1 while the store is open.", () => Number(isOpen()));
  }

  requestFinished(method: string, route: string, status: number, ms: number): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#durations.observe({ method, route }, ms);
  }

  requestFailed({ code, reason }: { readonly code: string; readonly reason: string | undefined }): void {
    this.#failures.inc({ code, reason: reason ?? "" });
  }

  /** An answer ended whose time was spent as `verdict` says. */
  answerLimited(verdict: Verdict): void {
    this.#limited.inc({ class: verdict.class });
    for (const [name, ms] of Object.entries(verdict.classesMs))
      this.#limitedSeconds.inc({ class: name }, ms / 1000);
  }

  generationFinished(model: string, finishReason: string, usage: Usage, timings: GenerationTimings): void {
    this.#vllm.generationFinished(model, finishReason, usage, timings);
    this.#generations.inc({ finish_reason: finishReason });
    this.#queueWaits.observe(timings.queueMs / 1000);
    this.#promptTokens.inc(usage.promptTokens);
    this.#completionTokens.inc(usage.completionTokens);
    if (usage.completionTokens > 0) this.#timeToFirstToken.observe(timings.queueMs + timings.prefillMs);
    if (usage.completionTokens > 1)
      this.#timePerOutputToken.observe(timings.decodeMs / (usage.completionTokens - 1));
  }

  /** What runs here, as labels of a gauge that is 1: a dashboard joins it with the others. */
  built(labels: Readonly<Record<"version" | "node" | "llama_cpp", string>>): void {
    new Gauge({
      name: "llm_build_info",
      help: "1, labelled with the versions of the server, of Node.js and of llama.cpp.",
      labelNames: Object.keys(labels),
      registers: [this.registry],
    }).set(labels, 1);
  }

  /** Reads the embedding engine's live numbers whenever the metrics are read. */
  watchEmbeddings(engine: EmbeddingEngine): void {
    const waiting: Gauge = new Gauge({
      name: "embedding_queue_texts",
      help: "Texts that wait for their vectors.",
      registers: [this.registry],
      collect: () => waiting.set(engine.waitingTexts),
    });
    this.#follow(
      "embedding_restarts_total",
      "Restarts of the embedding process after a crash or hang.",
      () => engine.restarts,
    );
  }

  embedded(texts: number, tokens: number, ms: number): void {
    this.#embeddedTexts.inc(texts);
    this.#embeddedTokens.inc(tokens);
    this.#embeddingDurations.observe(ms);
  }

  audited(verdict: string): void {
    this.#audited.inc({ verdict });
  }

  rateLimited(): void {
    this.#rateLimited.inc();
  }

  modelLoaded(ms: number): void {
    this.#loadDuration.set(ms);
  }

  storeQueried(ms: number, outcome: "ok" | "error"): void {
    this.#storeQueries.observe({ outcome }, ms);
  }

  cacheHit(cache: string): void {
    this.#cacheHits.inc({ cache });
  }

  cacheMissed(cache: string): void {
    this.#cacheMisses.inc({ cache });
  }

  cacheFailed(cache: string): void {
    this.#cacheErrors.inc({ cache });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const metric: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: () => metric.set(read()),
    });
  }

  /** A counter whose total is kept elsewhere. */
  #follow(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }
}
