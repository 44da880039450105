import { fileURLToPath } from "node:url";
import { UnavailableError } from "../../errors.ts";
import { monotonicMs } from "../../platform/clock.ts";
import type { FieldsLog } from "../../platform/log.ts";
import { PendingReplies } from "../../platform/pending-replies.ts";
import type { EmbeddingStatus } from "../embedder.ts";
import type { EngineState } from "../engine.ts";
import { Supervisor } from "../process/supervisor.ts";
import { fromWire } from "../process/wire-error.ts";
import { unavailable } from "../unavailable.ts";
import type { EmbedderNews, EmbeddingOptions, LoadedEmbedder, ToEmbedder } from "./protocol.ts";

export interface EmbeddingEngineOptions {
  readonly load: EmbeddingOptions;
  /** Texts that may wait; a request that would make it more is refused. */
  readonly maxQueue: number;
  readonly hangTimeoutMs: number;
  readonly log: FieldsLog;
}

/** Vectors as the network makes them, of any length, and the tokens of each text. */
export interface RawEmbeddings {
  readonly vectors: Float32Array[];
  readonly tokens: readonly number[];
}

type EmbeddingState = Exclude<EngineState, { readonly status: "unloaded" }> | { readonly status: "idle" };

const entry = fileURLToPath(new URL("./process.ts", import.meta.url));

/**
 * A model that embeds, in a process of its own. The process starts with the first request; a crash fails the requests
 * it had with a retriable 503, and it starts again.
 */
export class EmbeddingEngine {
  readonly #options: EmbeddingEngineOptions;
  readonly #supervisor: Supervisor<LoadedEmbedder, ToEmbedder, EmbedderNews>;
  readonly #replies = new PendingReplies<EmbedderNews>();
  /** Messages for a process that is still loading. */
  readonly #unsent: ToEmbedder[] = [];
  #state: EmbeddingState = { status: "idle" };
  /** True while a process has the model loaded. */
  #isServing = false;
  readonly #loaded = Promise.withResolvers<LoadedEmbedder>();
  #waitingTexts = 0;
  #restarts = 0;
  #nextId = 1;
  readonly #onIdle: Array<() => void> = [];

  constructor(options: EmbeddingEngineOptions) {
    this.#options = options;
    this.#loaded.promise.catch(() => {});
    this.#supervisor = new Supervisor(
      {
        entry,
        load: { type: "load", options: options.load },
        hangTimeoutMs: options.hangTimeoutMs,
        clock: monotonicMs,
      },
      {
        onMessage: (message) => this.#receive(message),
        onProgress: (progress) => {
          if (this.#state.status === "preparing") this.#state = { ...this.#state, progress };
        },
        onReady: (model, capacity) => this.#becameReady(model, capacity),
        onCrash: (reason, attempt, delayMs) => this.#crashed(reason, attempt, delayMs),
        onLoadFailed: (message) => {
          this.#state = { status: "failed", message };
          options.log.error({ component: "embeddings" }, message);
          this.#loaded.reject(new Error(message));
          this.#refuseAll(unavailable(this.#state));
        },
        onLog: (level, text) =>
          options.log[level === "info" ? "debug" : level]({ component: "embeddings" }, text),
      },
    );
  }

  /** Starts the process now and not with the first request. @throws Error when the model can't be loaded */
  start(): Promise<LoadedEmbedder> {
    if (this.#state.status === "idle") {
      this.#state = { status: "preparing", phase: "loading", progress: 0 };
      this.#supervisor.start();
    }
    return this.#loaded.promise;
  }

  get status(): EmbeddingStatus {
    const state = this.#state;
    switch (state.status) {
      case "failed":
        return { state: "failed", message: state.message };
      case "preparing":
        return { state: "loading" };
      case "draining":
        return { state: "stopped" };
      default:
        return { state: state.status };
    }
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined {
    return this.#supervisor.pid;
  }

  get waitingTexts(): number {
    return this.#waitingTexts;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /**
   * @throws ApiError `context_length_exceeded` with the index of a text that is too long; UnavailableError when the
   * queue is full, the process crashes, or the server stops
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<RawEmbeddings> {
    return this.#compute(texts, (id) => ({ type: "embed", id, texts }), signal);
  }

  /** The same with a ranking model: a vector of one score a text. */
  rank(query: string, texts: readonly string[], signal?: AbortSignal): Promise<RawEmbeddings> {
    return this.#compute(texts, (id) => ({ type: "rank", id, query, texts }), signal);
  }

  async #compute(
    texts: readonly string[],
    message: (id: number) => ToEmbedder,
    signal: AbortSignal | undefined,
  ): Promise<RawEmbeddings> {
    if (this.#waitingTexts > 0 && this.#waitingTexts + texts.length > this.#options.maxQueue) {
      throw new UnavailableError("queue_full", `${this.#waitingTexts} texts are waiting to be embedded.`, {
        retryAfterSeconds: 2,
      });
    }
    this.#waitingTexts += texts.length;
    try {
      const reply = await this.#ask(message, signal);
      if (reply.type !== "embedded") throw new Error(`unexpected reply ${reply.type}`);
      const dimensions = reply.vectors.length / texts.length;
      return {
        vectors: texts.map((_, row) => reply.vectors.slice(row * dimensions, (row + 1) * dimensions)),
        tokens: reply.tokens,
      };
    } finally {
      this.#waitingTexts -= texts.length;
      if (this.#waitingTexts === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    const reply = await this.#ask((id) => ({ type: "count", id, texts }));
    if (reply.type !== "counted") throw new Error(`unexpected reply ${reply.type}`);
    return [...reply.tokens];
  }

  /** @throws InvalidRequestError with the index of what can't be turned into text */
  async detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]> {
    const reply = await this.#ask((id) => ({ type: "detokenize", id, tokens }));
    if (reply.type !== "texts") throw new Error(`unexpected reply ${reply.type}`);
    return [...reply.texts];
  }

  /** Stops taking requests, lets running ones finish for `timeoutMs`, then ends the process. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = { status: "draining" };
    await this.#drained(timeoutMs);
    this.#state = { status: "stopped" };
    this.#loaded.reject(new Error("the embedding engine was closed"));
    this.#refuseAll(unavailable(this.#state));
    await this.#supervisor.close();
  }

  #drained(timeoutMs: number): Promise<void> {
    if (this.#waitingTexts === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #ask(message: (id: number) => ToEmbedder, signal?: AbortSignal): Promise<EmbedderNews> {
    const state = this.#state;
    if (state.status !== "ready" && state.status !== "preparing" && state.status !== "idle")
      throw unavailable(state);
    this.start();
    const id = this.#nextId++;
    const reply = this.#replies.wait(id);
    this.#send(message(id));
    const cancel = () => {
      this.#send({ type: "cancel", id });
      this.#replies.refuse(id, new UnavailableError("cancelled", "The client left before the answer."));
    };
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted === true) cancel();
    try {
      return await reply;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  #send(message: ToEmbedder): void {
    if (this.#isServing) this.#supervisor.send(message);
    else this.#unsent.push(message);
  }

  #receive(message: EmbedderNews): void {
    if (message.type === "refused") this.#replies.refuse(message.id, fromWire(message.error));
    else {
      this.#supervisor.served();
      this.#replies.answer(message.id, message);
    }
  }

  #becameReady(model: LoadedEmbedder, capacity: string): void {
    this.#isServing = true;
    if (this.#state.status !== "draining") this.#state = { status: "ready" };
    this.#loaded.resolve(model);
    this.#options.log.info({ load_ms: Math.round(model.loadMs) }, `embedding model loaded; ${capacity}`);
    for (const message of this.#unsent.splice(0)) this.#supervisor.send(message);
  }

  #crashed(reason: string, attempt: number, delayMs: number): void {
    this.#restarts++;
    this.#options.log.error({ component: "embeddings", attempt, restart_in_ms: delayMs }, reason);
    this.#isServing = false;
    if (this.#state.status !== "draining") this.#state = { status: "restarting", attempt, delayMs };
    const message = "The embedding process crashed while it worked on this request.";
    const retryAfterSeconds = Math.ceil(delayMs / 1000) + 1;
    this.#refuseAll(new UnavailableError("engine_failed", message, { retryAfterSeconds }));
  }

  #refuseAll(error: Error): void {
    this.#unsent.length = 0;
    this.#replies.refuseAll(error);
  }
}
