import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ApiError, UnavailableError } from "../../errors.ts";
import { modelBytes } from "../generation/model-file.ts";
import { availableMemory } from "../machine/memory.ts";
import { processMemory } from "../machine/process-memory.ts";
import { formatMemory } from "../process/memory-fit.ts";
import type { WireError } from "../process/process-news.ts";
import { fromWire } from "../process/wire-error.ts";
import type { Look, LookJob } from "./job.ts";

export type LookNews =
  | { readonly type: "look"; readonly look: Look }
  | { readonly type: "refused"; readonly error: WireError };

export interface MicroscopeLimits {
  /** From the start of the process, which loads the model. */
  readonly timeMs: number;
  /** Beside the weights. */
  readonly memoryBytes: number;
}

/** Two contexts of a few hundred tokens, their buffers, and Node. */
const defaultLimits: MicroscopeLimits = { timeMs: 60_000, memoryBytes: 1.5 * 2 ** 30 };
const WATCH_MS = 200;
/** Looks that may wait while one is taken. */
const MAX_WAITING = 4;

const entry = fileURLToPath(new URL("./process.ts", import.meta.url));

/** Takes looks one after another, each in a process of its own, which is killed when it takes too much. */
export class Microscope {
  readonly #limits: MicroscopeLimits;
  #waiting = 0;
  #before: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<MicroscopeLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** @throws ApiError for what can't be looked at; UnavailableError `queue_full`, `cancelled`, `request_timeout`, `engine_failed` */
  async look(job: LookJob, signal: AbortSignal): Promise<Look> {
    if (this.#waiting > MAX_WAITING)
      throw new UnavailableError("queue_full", "Others look through the microscope: try again in a moment.");
    this.#waiting++;
    const turn = this.#before.then(() => this.#lookNow(job, signal));
    this.#before = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #lookNow(job: LookJob, signal: AbortSignal): Promise<Look> {
    if (signal.aborted) throw left();
    const { timeMs, memoryBytes } = this.#limits;
    const weights = modelBytes(job.modelPath);
    const available = availableMemory();
    // Weights are mapped and shared with the engine's, but what is repacked for this processor is another copy.
    if (available < weights + memoryBytes / 4)
      throw new UnavailableError(
        "model_busy",
        `The microscope loads the model once more, ${formatMemory(weights)}, and ${formatMemory(available)} of memory is available.`,
      );
    const { promise, resolve, reject } = Promise.withResolvers<Look>();
    const child = fork(entry, [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: ["--max-old-space-size=512"],
    });
    const timer = setTimeout(
      () => reject(tooMuch(`took longer than ${timeMs / 1000} s: ask for fewer tokens`)),
      timeMs,
    );
    const watch = setInterval(() => {
      const taken = child.pid === undefined ? undefined : processMemory(child.pid);
      if (taken !== undefined && taken > 2 * weights + memoryBytes)
        reject(tooMuch(`took more than ${formatMemory(2 * weights + memoryBytes)} of memory`));
    }, WATCH_MS);
    const leave = () => reject(left());
    signal.addEventListener("abort", leave, { once: true });
    child.once("message", (news: LookNews) => {
      if (news.type === "look") resolve(news.look);
      else reject(fromWire(news.error));
    });
    child.once("error", reject);
    child.once("exit", (code, by) =>
      reject(new UnavailableError("engine_failed", `The microscope's process ended with ${by ?? code}.`)),
    );
    child.send(job, () => {});
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      signal.removeEventListener("abort", leave);
      await ended(child);
    }
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGKILL");
  return promise;
}

function tooMuch(what: string): ApiError {
  return new UnavailableError("request_timeout", `The microscope ${what}.`);
}

function left(): ApiError {
  return new UnavailableError("cancelled", "The client left before the answer.");
}
