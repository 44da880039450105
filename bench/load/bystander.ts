/** A thread that sees the server as other clients do while something is done to it: probes, and one stream after another. */
import { Worker } from "node:worker_threads";
import type { BystanderOptions, BystanderReport } from "./bystander-thread.ts";

/** Watches from now until `stop`, on an event loop of its own, since the attacker's is busy. */
export class Bystander {
  readonly #worker: Worker;
  readonly #ready: Promise<void>;

  constructor(options: BystanderOptions) {
    this.#worker = new Worker(new URL("./bystander-thread.ts", import.meta.url), { workerData: options });
    this.#ready = new Promise((resolve, reject) => {
      this.#worker.once("message", () => resolve());
      this.#worker.once("error", reject);
    });
  }

  /** Resolves once a stream is being read. */
  ready(): Promise<void> {
    return this.#ready;
  }

  async stop(): Promise<BystanderReport> {
    const report = new Promise<BystanderReport>((resolve, reject) => {
      this.#worker.once("message", resolve);
      this.#worker.once("error", reject);
    });
    this.#worker.postMessage("stop");
    try {
      return await report;
    } finally {
      await this.#worker.terminate();
    }
  }
}
