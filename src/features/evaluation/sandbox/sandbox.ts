import { Worker } from "node:worker_threads";
import { InvalidRequestError, UnavailableError } from "../../../errors.ts";
import type { SandboxJob, SandboxReply, SandboxResults } from "./jobs.ts";

/** Far more than any sensible pattern needs on the longest response. */
const TIME_LIMIT_MS = 1_000;
const MEMORY_LIMIT_MB = 128;

/**
 * A thread for patterns and schemas that users wrote. JavaScript's regular expressions can take exponential time
 * (`(a+)+$`), so each job has a time limit, past which the thread is ended; the server never waits for one.
 */
export class Sandbox {
  readonly #timeLimitMs: number;
  #worker: Worker | undefined;
  /** Jobs run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(timeLimitMs = TIME_LIMIT_MS) {
    this.#timeLimitMs = timeLimitMs;
  }

  /**
   * A caller that has gone by its turn gets nothing run.
   * @throws InvalidRequestError when the pattern or schema can't be used, or takes too long; UnavailableError `cancelled`
   */
  run<Job extends SandboxJob>(job: Job, signal?: AbortSignal): Promise<SandboxResults[Job["type"]]> {
    const run = this.#last.then(() => {
      if (signal?.aborted === true)
        throw new UnavailableError("cancelled", "The client left before the answer.");
      return this.#run(job);
    });
    this.#last = run.catch(() => {});
    return run;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #run<Job extends SandboxJob>(job: Job): Promise<SandboxResults[Job["type"]]> {
    const param = job.type === "regex" ? "pattern" : "schema";
    const reply = await this.#ask(job);
    if (reply === "time_limit" || reply === "crashed") {
      await this.close();
      const message =
        reply === "time_limit"
          ? `The ${param} took longer than ${this.#timeLimitMs} ms on this response.`
          : `The ${param} took more memory than it may on this response.`;
      throw new InvalidRequestError(message, { param, details: { reason: reply } });
    }
    if (reply.type === "unusable")
      throw new InvalidRequestError(`The ${param} can't be used: ${reply.message}`, { param });
    return reply.result;
  }

  async #ask<Job extends SandboxJob>(
    job: Job,
  ): Promise<SandboxReply<Job["type"]> | "time_limit" | "crashed"> {
    const worker = await this.#started();
    const { promise, resolve } = Promise.withResolvers<
      SandboxReply<Job["type"]> | "time_limit" | "crashed"
    >();
    const crashed = () => resolve("crashed");
    const timer = setTimeout(() => resolve("time_limit"), this.#timeLimitMs);
    worker.once("message", resolve).once("error", crashed).once("exit", crashed);
    worker.postMessage(job);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      worker.off("message", resolve).off("error", crashed).off("exit", crashed);
    }
  }

  /** The thread, once it says that it is ready: its start is not the job's time. */
  async #started(): Promise<Worker> {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    worker.unref();
    this.#worker = worker;
    return worker;
  }
}
