import { Worker } from "node:worker_threads";
import { InvalidRequestError, UnavailableError } from "../../../errors.ts";
import type { SandboxJob, SandboxReply, SandboxResults } from "./jobs.ts";

export interface SandboxLimits {
  /** Threads side by side. */
  readonly threads: number;
  /** Jobs that may wait for one. */
  readonly waiting: number;
  /** Of a pattern or a schema: far more than any sensible one needs on the longest response. */
  readonly patternMs: number;
  /** Of a text metric, on the longest texts that a request may have. */
  readonly textMetricMs: number;
}

const defaultLimits: SandboxLimits = { threads: 2, waiting: 64, patternMs: 1_000, textMetricMs: 20_000 };

const MEMORY_LIMIT_MB = 256;

type Ending = SandboxReply | "time_limit" | "crashed" | "cancelled";

interface Task {
  readonly start: (worker: Worker) => void;
}

/**
 * Threads for what could hold up the server: patterns and schemas that users wrote (`(a+)+$` takes exponential time), and
 * metrics of long texts. Each job has a time limit, past which its thread is ended, and ends with its request.
 */
export class Sandbox {
  readonly #limits: SandboxLimits;
  readonly #idle: Worker[] = [];
  readonly #waiting: Task[] = [];
  #threads = 0;

  constructor(limits: Partial<SandboxLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /**
   * @throws InvalidRequestError when the pattern or schema can't be used, or takes too long; UnavailableError `queue_full`,
   * `cancelled`
   */
  async run<Job extends SandboxJob>(job: Job, signal?: AbortSignal): Promise<SandboxResults[Job["type"]]> {
    if (signal?.aborted === true) throw cancelled();
    if (this.#waiting.length >= this.#limits.waiting)
      throw new UnavailableError("queue_full", "Too many metrics are waiting to be computed.");
    const { promise, resolve } = Promise.withResolvers<Ending>();
    const task: Task = { start: (worker) => this.#start(worker, job, resolve, signal) };
    const leave = () => {
      const at = this.#waiting.indexOf(task);
      if (at !== -1) this.#waiting.splice(at, 1);
      resolve("cancelled");
    };
    signal?.addEventListener("abort", leave, { once: true });
    this.#waiting.push(task);
    this.#startNext();
    const ending = await promise;
    signal?.removeEventListener("abort", leave);
    return this.#result(job, ending) as SandboxResults[Job["type"]];
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()));
  }

  #startNext(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop();
    if (worker !== undefined) this.#waiting.shift()?.start(worker);
    else if (this.#threads < this.#limits.threads) this.#addThread();
  }

  /** Its start is not the job's time: the thread is idle once it says that it is ready. */
  #addThread(): void {
    this.#threads++;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    });
    worker.once("message", () => {
      worker.unref();
      this.#idle.push(worker);
      this.#startNext();
    });
    worker.on("error", () => {});
    worker.once("exit", () => {
      this.#threads--;
      const at = this.#idle.indexOf(worker);
      if (at !== -1) this.#idle.splice(at, 1);
      this.#startNext();
    });
  }

  #start(worker: Worker, job: SandboxJob, resolve: (ending: Ending) => void, signal?: AbortSignal): void {
    const limitMs = job.type === "text_metric" ? this.#limits.textMetricMs : this.#limits.patternMs;
    const end = (ending: Ending) => {
      clearTimeout(timer);
      worker.off("message", end).off("exit", crashed);
      signal?.removeEventListener("abort", abort);
      resolve(ending);
      if (typeof ending !== "string") {
        this.#idle.push(worker);
        this.#startNext();
      } else void worker.terminate();
    };
    const crashed = () => end("crashed");
    const abort = () => end("cancelled");
    const timer = setTimeout(() => end("time_limit"), limitMs);
    worker.once("message", end).once("exit", crashed);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      worker.postMessage(job);
    } catch (error) {
      // A value that nests deeper than can be copied.
      end({ type: "unusable", message: error instanceof Error ? error.message : String(error) });
    }
  }

  #result(job: SandboxJob, ending: Ending): unknown {
    const param = job.type === "regex" ? "pattern" : job.type === "json_schema" ? "schema" : undefined;
    const subject = param ?? "metric";
    if (ending === "cancelled") throw cancelled();
    if (ending === "time_limit" || ending === "crashed") {
      const limit = ending === "time_limit" ? "longer" : "more memory";
      throw new InvalidRequestError(`The ${subject} took ${limit} than it may on this response.`, {
        ...(param !== undefined && { param }),
        details: { reason: ending },
      });
    }
    if (ending.type === "unusable")
      throw new InvalidRequestError(`The ${subject} can't be used: ${ending.message}`, {
        ...(param !== undefined && { param }),
      });
    return ending.result;
  }
}

function cancelled(): UnavailableError {
  return new UnavailableError("cancelled", "The client left before the answer.");
}
