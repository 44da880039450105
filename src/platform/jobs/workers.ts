import { setTimeout as pause } from "node:timers/promises";
import { UnavailableError } from "../../errors.ts";

/** Pause before work that failed is tried again; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface WorkersOptions {
  /** Works on what has this id until it is done, until it needs a person, or until `signal` ends it. */
  readonly work: (id: string, signal: AbortSignal) => Promise<void>;
  /** Writes down that work on `id` stops because of a defect. Where even that fails, the work is tried again. */
  readonly onDefect: (id: string, error: unknown) => Promise<void>;
  /** Told of each failure after which the work is tried again. */
  readonly onRetry: (id: string, error: unknown, pauseMs: number) => void;
}

interface Work {
  readonly controller: AbortController;
  readonly done: Promise<void>;
  /** Asked for once more while it was ending. */
  isWanted: boolean;
  /** Of the latest try, while the next one is waited for. */
  failure: Error | undefined;
}

/** This process's work on durable jobs, run concurrently: each continues until it is done, whatever fails meanwhile. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #work = new Map<string, Work>();
  #isStopping = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Works on `id` from now on, unless that is done already. */
  start(id: string): void {
    if (this.#isStopping) return;
    const current = this.#work.get(id);
    if (current !== undefined) {
      current.isWanted = true;
      return;
    }
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const work: Work = { controller, done: begun.promise, isWanted: false, failure: undefined };
    this.#work.set(id, work);
    begun.resolve(
      this.#workOn(id, work).finally(() => {
        this.#work.delete(id);
        if (work.isWanted) this.start(id);
      }),
    );
  }

  has(id: string): boolean {
    return this.#work.has(id);
  }

  /** Why the latest try failed, while the next one is waited for. */
  failure(id: string): Error | undefined {
    return this.#work.get(id)?.failure;
  }

  /** Ends work on `id`; resolves when nothing of it is under way. */
  async end(id: string): Promise<void> {
    const work = this.#work.get(id);
    work?.controller.abort();
    await work?.done;
  }

  /** Ends all work, and starts none from now on. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#work.keys()].map((id) => this.end(id)));
  }

  async #workOn(id: string, work: Work): Promise<void> {
    const { signal } = work.controller;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await this.#try(id, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        work.failure = error instanceof Error ? error : new Error(String(error));
        this.#options.onRetry(id, error, pauseMs);
        await pause(pauseMs, undefined, { signal }).catch(() => {});
        work.failure = undefined;
      }
    }
  }

  async #try(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.work(id, signal);
    } catch (error) {
      if (signal.aborted || error instanceof UnavailableError) throw error;
      await this.#options.onDefect(id, error);
    }
  }
}
