import { setTimeout as pause } from "node:timers/promises";
import { errorWords } from "../../../errors.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import type { Claim, JobQueue } from "../../../platform/jobs/queue.ts";
import type { DatasetRecord, EvalData } from "../../datasets/dataset.ts";
import type { Attempts, Verdict } from "./attempts.ts";
import { isShutdown, isTransient } from "./failure.ts";
import { Pace } from "./pace.ts";
import type { Run } from "./run.ts";

/** How long to wait before looking again for records that are due, or for what is restarting. */
const POLL_MS = 500;
/** Well within the time after which a claim lapses. */
const KEEP_MS = 10_000;

export interface ExecutionOptions {
  readonly run: Run;
  readonly attempts: Attempts;
  readonly queue: JobQueue;
  /** An engine or a judge that is loading or restarting is waited for; each record would only fail on it. */
  readonly isReady: () => boolean;
  /** The record at a position of the run's dataset. */
  readonly recordAt: (position: number) => Promise<DatasetRecord<EvalData> | undefined>;
  readonly evaluate: (record: EvalData, run: Run, signal: AbortSignal) => Promise<Verdict>;
  /** Told after every change of the run. */
  readonly onChange: () => void;
  /** Told of defects; what is wrong with a record is in its result. */
  readonly onDefect: (error: unknown) => void;
  /** Ends it: what is under way is given back. */
  readonly signal: AbortSignal;
}

/** One run being worked on: records taken from the queue and evaluated, `concurrency` at a time. */
export class Execution {
  readonly #options: ExecutionOptions;
  readonly #pace = new Pace(monotonicMs);
  readonly #inFlight = new Map<Claim, Promise<void>>();
  readonly #failure = new AbortController();

  constructor(options: ExecutionOptions) {
    this.#options = options;
  }

  /**
   * Works until the run is finished, paused or cancelled, or `signal` ends it; what was claimed by then is settled or
   * given back. @throws what the store throws; the run resumes from there another time
   */
  async work(): Promise<void> {
    const { queue, run } = this.#options;
    const keeping = setInterval(() => {
      if (this.#inFlight.size > 0)
        queue.keep(run.runId, [...this.#inFlight.keys()]).catch((error) => this.#failure.abort(error));
    }, KEEP_MS);
    try {
      await this.#takeUpRecords();
    } finally {
      await Promise.allSettled(this.#inFlight.values());
      clearInterval(keeping);
    }
    this.#failure.signal.throwIfAborted();
  }

  async #takeUpRecords(): Promise<void> {
    const { run, attempts, isReady, signal } = this.#options;
    while (!signal.aborted && !this.#failure.signal.aborted) {
      const free = isReady() ? run.request.concurrency - this.#inFlight.size : 0;
      const claims = free > 0 ? await attempts.claim(run.runId, free) : [];
      if (claims === undefined) return;
      for (const claim of claims) this.#begin(claim);
      const isFull = this.#inFlight.size >= run.request.concurrency;
      await this.#nextChange(isFull ? undefined : POLL_MS);
    }
  }

  /** Waits until a record is finished, or `timeoutMs` are over, when that is given. */
  async #nextChange(timeoutMs: number | undefined): Promise<void> {
    const timer = new AbortController();
    const timeout =
      timeoutMs === undefined ? [] : [pause(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})];
    await Promise.race([...this.#inFlight.values(), ...timeout]);
    timer.abort();
  }

  #begin(claim: Claim): void {
    const done = this.#evaluate(claim)
      .catch((error: unknown) => this.#failure.abort(error))
      .finally(() => {
        this.#inFlight.delete(claim);
        this.#options.onChange();
      });
    this.#inFlight.set(claim, done);
  }

  async #evaluate(claim: Claim): Promise<void> {
    const { run, attempts, recordAt, evaluate, signal, onDefect } = this.#options;
    const attempt = {
      runId: run.runId,
      claim,
      expect: (remaining: number) => this.#pace.etaSeconds(remaining),
    };
    const record = await recordAt(claim.position);
    if (record === undefined) {
      const error = { code: "record_missing", message: "The dataset no longer has this record." };
      const missing = { ...claim, recordId: `${claim.position}`, data: { input: { prompt: "" } } };
      await attempts.settle({ ...attempt, record: missing }, { error });
      return;
    }
    let verdict: Verdict;
    try {
      verdict = await evaluate(record.data, run, signal);
    } catch (error) {
      if (signal.aborted || isShutdown(error)) return attempts.interrupt(run.runId, [claim]);
      const failure = errorWords(error);
      if (isTransient(error)) return attempts.retry({ ...attempt, record }, failure);
      if (failure.code === "internal_error") onDefect(error);
      verdict = { error: failure };
    }
    this.#pace.recordFinished();
    await attempts.settle({ ...attempt, record }, verdict);
  }
}
