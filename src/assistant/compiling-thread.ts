import { Worker } from "node:worker_threads";
import type { AnswerRules } from "./answer-constraint.ts";
import type { ConstraintReply } from "./constraint-thread.ts";

const entry = new URL("./constraint-thread.ts", import.meta.url);

/** Time to notice that the work is given up; a thread that takes longer is ended. */
const STOP_MS = 150;

/** A thread that works out one form at a time, and stops when it is told to. */
export class CompilingThread {
  readonly #isStopped = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker = new Worker(entry, { workerData: this.#isStopped });
  readonly #started = this.#nextReply();

  constructor() {
    // Whether it could start is told to those who ask.
    this.#started.catch(() => undefined);
    this.#worker.unref();
  }

  /**
   * Undefined where the thread had to be ended: it is of no more use. `abandoned` and the time limit stop it.
   * @throws Error when the thread failed
   */
  async ask(
    rules: AnswerRules,
    { limitMs, abandoned }: { readonly limitMs: number; readonly abandoned: AbortSignal },
  ): Promise<ConstraintReply | undefined> {
    // A thread at work keeps the process alive, an idle one must not.
    this.#worker.ref();
    const ended = Promise.withResolvers<undefined>();
    const timers: NodeJS.Timeout[] = [];
    const stop = () => {
      Atomics.store(this.#isStopped, 0, 1);
      timers.push(setTimeout(() => ended.resolve(undefined), STOP_MS));
    };
    try {
      await this.#started;
      if (abandoned.aborted) return { type: "stopped" };
      Atomics.store(this.#isStopped, 0, 0);
      const reply = this.#nextReply();
      this.#worker.postMessage(rules);
      timers.push(setTimeout(stop, limitMs));
      abandoned.addEventListener("abort", stop);
      return await Promise.race([reply, ended.promise]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      abandoned.removeEventListener("abort", stop);
      this.#worker.unref();
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async #nextReply(): Promise<ConstraintReply> {
    const answer = Promise.withResolvers<ConstraintReply>();
    this.#worker.once("message", answer.resolve).once("error", answer.reject);
    try {
      return await answer.promise;
    } finally {
      this.#worker.off("message", answer.resolve).off("error", answer.reject);
    }
  }
}
