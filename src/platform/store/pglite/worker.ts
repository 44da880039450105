import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { PendingReplies } from "../../pending-replies.ts";
import { storeUnavailable } from "../errors.ts";
import type { FromPglite, PgliteThreadData, ToPglite } from "./protocol.ts";

type Request = ToPglite extends infer Message
  ? Message extends ToPglite
    ? Omit<Message, "id">
    : never
  : never;

/**
 * V8's optimizing compiler takes seconds of both processors for Postgres, beside the model, and the process can't end
 * while it is at work; measured with 200,000 rows, scans and inserts are as fast by the baseline compiler's code.
 */
setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");

/** PGlite on a thread of its own, asked by message. */
export class PgliteWorker {
  readonly #worker: Worker;
  readonly #replies = new PendingReplies<readonly object[]>();
  readonly #onEnd: () => void;
  #nextId = 0;
  #ended: Error | undefined;

  private constructor(worker: Worker, onEnd: () => void) {
    this.#worker = worker;
    this.#onEnd = onEnd;
    worker.on("message", (message: FromPglite) => this.#receive(message));
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", () => this.#end(new Error("its thread ended")));
  }

  /**
   * Opens the database in `data.directory`. `onEnd` is called once when the thread is over, asked to or not.
   * @throws Error that says why Postgres did not start
   */
  static async open(data: PgliteThreadData, onEnd: () => void = () => {}): Promise<PgliteWorker> {
    const worker = new Worker(new URL("thread.ts", import.meta.url), {
      workerData: data,
      // Postgres writes its own log lines there; what matters comes back as an error.
      stdout: true,
      stderr: true,
    });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", (error) => reject(new Error(reasonOf(error), { cause: error })));
      worker.once("exit", () => reject(new Error("its thread ended")));
    });
    return new PgliteWorker(worker, onEnd);
  }

  /** @throws QueryError, or UnavailableError when the thread is gone */
  async ask<Row extends object>(request: Request): Promise<Row[]> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#nextId++;
    const reply = this.#replies.wait(id);
    try {
      this.#worker.postMessage({ ...request, id } satisfies ToPglite);
    } catch (error) {
      // A parameter that can't be cloned, such as a function: a defect of the caller.
      this.#replies.refuse(id, error);
    }
    return (await reply) as Row[];
  }

  /** Ends the thread at once, even during a statement. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: FromPglite): void {
    switch (message.type) {
      case "opened":
        return;
      case "rows":
        this.#replies.answer(message.id, message.rows);
        return;
      case "failed":
        this.#replies.refuse(message.id, message.failure);
        return;
      default:
        message satisfies never;
    }
  }

  #end(cause: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = storeUnavailable(`The embedded database ended: ${cause.message}.`, cause);
    this.#replies.refuseAll(this.#ended);
    this.#onEnd();
  }
}

/** The numbers that WebAssembly's system interface has for what files are refused for. */
const fileErrors: Readonly<Record<number, string>> = {
  2: "permission denied",
  51: "no space is left on the disk",
  69: "the file system is read-only",
};

/** What is wrong: errors of PGlite's file system have only a number, those of unpacking only a cause. */
function reasonOf(error: unknown): string {
  const { message, errno, cause } = error as Partial<Error> & { readonly errno?: number };
  if (message) return message;
  if (cause instanceof Error) return cause.message;
  return fileErrors[errno ?? 0] ?? `its files can't be used (errno ${errno})`;
}
