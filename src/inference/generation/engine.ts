import { fileURLToPath } from "node:url";
import { UnavailableError } from "../../errors.ts";
import { type Clock, monotonicMs } from "../../platform/clock.ts";
import type { FieldsLog } from "../../platform/log.ts";
import type { CacheView } from "../cache-report.ts";
import type {
  Engine,
  EngineState,
  EngineStats,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
  ModelDescription,
  Prompt,
} from "../engine.ts";
import type { KvLayoutChoice } from "../kv-layout.ts";
import { processMemory } from "../machine/process-memory.ts";
import type { WireError } from "../process/process-news.ts";
import { Supervisor } from "../process/supervisor.ts";
import { fromWire } from "../process/wire-error.ts";
import { defaultQueue } from "../queue-limit.ts";
import type { SequenceStart } from "../scheduler/report.ts";
import type { StepRecord } from "../step-record.ts";
import { unavailable } from "../unavailable.ts";
import { GenerationNames } from "./generation-names.ts";
import { Generations } from "./generations.ts";
import { Inquiries } from "./inquiries.ts";
import { PendingGeneration } from "./pending-generation.ts";
import type { EngineNews, EngineOptions, LoadedModel, StepNews, ToEngine } from "./protocol.ts";
import { Rest } from "./rest.ts";
import { ServiceRate } from "./service-rate.ts";
import { StepTotals } from "./step-totals.ts";

export interface LocalEngineOptions {
  readonly engine: EngineOptions;
  readonly model: { readonly name: string; readonly source: string };
  /** Requests that may wait for a sequence; as many as there are sequences when undefined. */
  readonly maxQueue: number | undefined;
  readonly queueTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly hangTimeoutMs: number;
  /** Prefixes to keep in the cache permanently, in the loaded model's form. */
  readonly prefixes?: (model: ModelDescription) => readonly Prompt[];
  /** What a fresh process runs while nothing is asked, so that first answers are as fast as later ones. */
  readonly rehearsal?: () => readonly GenerationRequest[];
  /** The KV cache is given back after this much time without a request; never when undefined. */
  readonly sleepAfterMs?: number | undefined;
  /** Told of every step, with the compute threads that it had, and how to find the request that a generation is for. */
  readonly onSteps?: (
    records: readonly StepRecord[],
    threads: number,
    requestOf: (generation: number) => string | undefined,
  ) => void;
  /** Told when the process ended while it should not have. */
  readonly onCrash?: (reason: string) => void;
  readonly log: FieldsLog;
  readonly clock?: Clock;
}

const entry = fileURLToPath(new URL("./process.ts", import.meta.url));

/**
 * The engine port over a llama.cpp process: admits, hands over, streams back, and survives the process. A crash
 * fails the requests that were worked on with a retriable 503, since one of them may be what kills engines, and hands
 * those that only waited to the next process.
 */
export class LocalEngine implements Engine {
  readonly #options: LocalEngineOptions;
  readonly #clock: Clock;
  readonly #supervisor: Supervisor<LoadedModel, ToEngine, EngineNews>;
  readonly #rate = new ServiceRate();
  readonly #rest: Rest;
  readonly #generations = new Generations(() => this.#idled());
  readonly #totals = new StepTotals();
  readonly #names = new GenerationNames();
  readonly #inquiries = new Inquiries((message) => this.#send(message));
  readonly #ready = Promise.withResolvers<void>();
  #state: EngineState = { status: "preparing", phase: "loading", progress: 0 };
  #description: ModelDescription | undefined;
  /** True while a process has the model loaded; messages about generations before that would be lost. */
  #isServing = false;
  #nextId = 1;

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicMs;
    this.#ready.promise.catch(() => {});
    this.#rest = new Rest(options.sleepAfterMs ?? Infinity, () => void this.#fallAsleep());
    this.#supervisor = new Supervisor(
      {
        entry,
        load: { type: "load", options: options.engine },
        hangTimeoutMs: options.hangTimeoutMs,
        clock: this.#clock,
      },
      {
        onMessage: (message) => this.#receive(message),
        onProgress: (progress) => this.#progressed(progress),
        onReady: (model, capacity) => this.#becameReady(model, capacity),
        onCrash: (reason, attempt, delayMs) => this.#crashed(reason, attempt, delayMs),
        onLoadFailed: (message) => this.#loadFailed(message),
        // The native library calls everything "info" that it finds remarkable; a user does not.
        onLog: (level, text) => options.log[level === "info" ? "debug" : level]({ component: "llama" }, text),
      },
    );
  }

  /** Starts the process; resolves when the model is loaded. @throws Error when it can't be loaded */
  start(): Promise<void> {
    this.#supervisor.start();
    return this.#ready.promise;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Memory that the process takes now. */
  get memoryBytes(): number | undefined {
    return this.#supervisor.pid === undefined ? undefined : processMemory(this.#supervisor.pid);
  }

  get stats(): EngineStats {
    const { size, running } = this.#generations;
    const sharedKvCaches = Number(this.#description?.kvLayout.layout === "shared");
    return { queueDepth: size - running, runningSequences: running, sharedKvCaches, ...this.#totals.stats };
  }

  describe(): ModelDescription {
    if (this.#description === undefined) throw unavailable(this.#state);
    return this.#description;
  }

  async *generate(
    request: GenerationRequest,
    context: GenerationContext = {},
  ): AsyncIterable<GenerationEvent> {
    this.#admit();
    if (this.#generations.size === 0) this.#rate.resume(this.#clock());
    this.#rest.end();
    const id = this.#nextId++;
    const { arrivedAt = this.#clock() } = context;
    const generation = new PendingGeneration(request, { ...context, arrivedAt });
    this.#generations.add(id, generation);
    this.#names.add(id, context.requestId);
    if (this.#generations.running >= this.describe().sequences) this.#reportPlaces();
    generation.startTimer(this.#options.queueTimeoutMs, () => this.#timedOut(id, "queue_timeout"));
    const cancel = () => this.#cancel(id);
    context.signal?.addEventListener("abort", cancel, { once: true });
    this.#supervisor.send(generation.message(id));
    if (context.signal?.aborted === true) cancel();
    try {
      yield* generation.events;
    } finally {
      context.signal?.removeEventListener("abort", cancel);
      // The reader may have left before the end.
      if (this.#generations.get(id) !== undefined) {
        cancel();
        this.#settle(id);
      }
    }
  }

  tokenize(prompt: Prompt, signal?: AbortSignal): Promise<number[]> {
    return this.#inquiries.tokenize(prompt, signal);
  }

  detokenize(tokens: readonly number[], signal?: AbortSignal): Promise<string> {
    return this.#inquiries.detokenize(tokens, signal);
  }

  async viewCache(): Promise<CacheView> {
    return this.#names.ofView(await this.#inquiries.viewCache());
  }

  /** Whether the KV cache has been given back; what is asked next makes a new one. */
  get isAsleep(): boolean {
    return this.#rest.isAsleep;
  }

  /** Gives the KV cache and all but the weights back. @throws ApiError `conflict` while requests run */
  sleep(): Promise<void> {
    return this.#inquiries.sleep();
  }

  /** Makes a new KV cache before a request needs it. @throws UnavailableError where the memory is gone */
  async wake(): Promise<void> {
    await this.#inquiries.wake();
    this.#rest.begin();
  }

  async #fallAsleep(): Promise<void> {
    // A process that has just ended, or a request that has just come: the next idle time is another chance.
    await this.sleep().catch((error: unknown) =>
      this.#options.log.debug({ err: error }, "the model stays awake"),
    );
  }

  #idled(): void {
    this.#rate.pause(this.#clock());
    if (this.#state.status === "ready") this.#rest.begin();
  }

  async close(timeoutMs: number): Promise<void> {
    this.#rest.end();
    if (this.#state.status === "stopped") return;
    this.#state = { status: "draining" };
    await this.#generations.drained(timeoutMs);
    const message = "The server shut down before this request was finished.";
    this.#generations.failAll(() => new UnavailableError("draining", message));
    this.#inquiries.refuseAll(unavailable(this.#state));
    await this.#supervisor.close();
    this.#state = { status: "stopped" };
    this.#ready.reject(new Error("the engine was closed"));
  }

  #send(message: (id: number) => ToEngine): number {
    if (this.#state.status !== "ready") throw unavailable(this.#state);
    const id = this.#nextId++;
    this.#supervisor.send(message(id));
    return id;
  }

  /** Refuses at once what could only make the backlog grow. @throws UnavailableError */
  #admit(): void {
    if (this.#state.status !== "ready") throw unavailable(this.#state);
    const { sequences } = this.describe();
    const maxQueue = this.#options.maxQueue ?? defaultQueue(sequences);
    if (this.#generations.size < sequences + maxQueue) return;
    throw new UnavailableError("queue_full", `The queue is full: ${maxQueue} requests are waiting.`, {
      retryAfterSeconds: this.#rate.retryAfterSeconds(maxQueue, this.#clock()),
      details: { queue_depth: this.stats.queueDepth },
    });
  }

  #receive(message: EngineNews): void {
    switch (message.type) {
      case "step":
        this.#stepped(message);
        break;
      case "preparing":
      case "queued":
        this.#generations.get(message.id)?.moveTo(message.type);
        break;
      case "started":
        this.#started(message);
        break;
      case "layout":
        this.#layoutChanged(message.choice);
        break;
      case "refused":
        this.#refused(message.id, message.error);
        break;
      case "rest":
        this.#rested(message);
        break;
      case "tokens":
      case "text":
      case "cache":
        this.#inquiries.answer(message.id, message);
        break;
      default:
        message satisfies never;
    }
  }

  #rested(news: Extract<EngineNews, { readonly type: "rest" }>): void {
    if (this.#rest.isAsleep !== news.isAsleep)
      this.#options.log.info({}, news.isAsleep ? "the model sleeps" : "the model has woken");
    this.#rest.isAsleep = news.isAsleep;
    if (news.id !== undefined) this.#inquiries.answer(news.id, news);
    else this.#pin();
  }

  #stepped(news: StepNews): void {
    this.#totals.observe(news);
    this.#prefilled(news);
    const { onSteps } = this.#options;
    if (news.records.length > 0)
      onSteps?.(news.records, news.threads, (id) => this.#generations.get(id)?.requestId);
    for (const output of news.outputs) {
      const isOver = this.#generations.get(output.id)?.receive(output);
      if (isOver !== true) continue;
      if (output.done !== undefined && output.done.finishReason !== "cancelled") {
        this.#rate.completed(this.#clock());
        this.#supervisor.served();
      }
      this.#settle(output.id);
    }
  }

  /** How far the prompts of the steps' requests are; only those that want to know are looked at. */
  #prefilled({ records }: StepNews): void {
    for (const { generation: id, prefillTokens } of records.flatMap(({ sequences }) => sequences)) {
      const generation = prefillTokens > 0 ? this.#generations.get(id) : undefined;
      if (generation?.reportsProgress === true) generation.prefilled(prefillTokens, this.#clock());
    }
  }

  #started({ id, prefix, ...counts }: SequenceStart): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    const { contextWindow } = this.describe();
    generation.begin({ ...counts, contextWindow, prefix: this.#names.ofReport(prefix) }, this.#clock());
    generation.startTimer(this.#options.requestTimeoutMs, () => this.#timedOut(id, "request_timeout"));
    this.#reportPlaces();
  }

  #reportPlaces(): void {
    const now = this.#clock();
    // It starts when those before it have, and one more request has ended.
    this.#generations.reportPlaces((ahead) => this.#rate.expectedMs(ahead + 1, now));
  }

  #settle(id: number): void {
    this.#generations.settle(id);
    this.#reportPlaces();
  }

  #layoutChanged(kvLayout: KvLayoutChoice): void {
    this.#totals.layoutChanged();
    if (this.#description !== undefined) this.#description = { ...this.#description, kvLayout };
    this.#options.log.info(kvLayout, `the layout of the KV cache is now ${kvLayout.layout}`);
  }

  #refused(id: number, error: WireError): void {
    this.#generations.fail(id, fromWire(error));
    this.#inquiries.refuse(id, fromWire(error));
  }

  /** The engine answers a cancellation; while none runs, there would be no answer, and the next one would start the request. */
  #cancel(id: number): void {
    const generation = this.#generations.get(id);
    if (generation === undefined) return;
    generation.isCancelled = true;
    if (this.#isServing) this.#supervisor.send({ type: "cancel", id });
    else this.#generations.cancelled(id, this.#clock());
  }

  #timedOut(id: number, reason: "queue_timeout" | "request_timeout"): void {
    if (this.#generations.get(id) === undefined) return;
    this.#supervisor.send({ type: "cancel", id });
    const message =
      reason === "queue_timeout"
        ? `The request waited ${this.#options.queueTimeoutMs} ms and no sequence became free.`
        : `The request ran longer than ${this.#options.requestTimeoutMs} ms.`;
    const retryAfterSeconds = this.#rate.retryAfterSeconds(this.stats.queueDepth, this.#clock());
    this.#generations.fail(id, new UnavailableError(reason, message, { retryAfterSeconds }));
  }

  #progressed(progress: number): void {
    if (this.#state.status === "preparing") this.#state = { status: "preparing", phase: "loading", progress };
  }

  #becameReady(model: LoadedModel, capacity: string): void {
    this.#description = { ...model, ...this.#options.model };
    this.#options.log.info(
      { load_ms: Math.round(model.loadMs), threads: model.threads },
      `model loaded; ${capacity}`,
    );
    this.#isServing = true;
    if (this.#state.status !== "draining") {
      this.#state = { status: "ready" };
      this.#ready.resolve();
    }
    this.#pin();
    for (const [id, generation] of this.#generations) this.#supervisor.send(generation.message(id));
    if (this.#generations.size > 0) return;
    const { rehearsal } = this.#options;
    if (rehearsal !== undefined) this.#supervisor.send({ type: "rehearse", requests: rehearsal() });
    this.#rest.begin();
  }

  #pin(): void {
    const prefixes = this.#options.prefixes?.(this.describe()) ?? [];
    if (prefixes.length > 0) this.#supervisor.send({ type: "pin", prefixes });
  }

  #crashed(reason: string, attempt: number, delayMs: number): void {
    this.#totals.restarted();
    this.#options.onCrash?.(reason);
    this.#isServing = false;
    this.#rest.end();
    this.#rest.isAsleep = false;
    this.#options.log.error({ attempt, restart_in_ms: delayMs }, reason);
    if (this.#state.status !== "draining") this.#state = { status: "restarting", attempt, delayMs };
    const message = "The engine crashed while it worked on this request.";
    const retryAfterSeconds = Math.ceil(delayMs / 1000) + 1;
    this.#generations.handOver(
      () => new UnavailableError("engine_failed", message, { retryAfterSeconds }),
      this.#clock(),
    );
    this.#inquiries.refuseAll(unavailable(this.#state));
  }

  #loadFailed(message: string): void {
    this.#state = { status: "failed", message };
    this.#ready.reject(new Error(message));
    this.#generations.failAll(() => unavailable(this.#state));
  }
}
