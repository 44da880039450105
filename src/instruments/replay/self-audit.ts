import { ApiError } from "../../errors.ts";
import type { FieldsLog } from "../../platform/log.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { Replayer, ReplayVerdict } from "./replay.ts";

export interface SelfAuditOptions {
  readonly kept: Pick<KeptAnswers, "ids">;
  readonly replayer: Pick<Replayer, "replay">;
  /** Whether no request runs or waits. */
  readonly isIdle: () => boolean;
  /** Between two audits. */
  readonly everyMs: number;
  /** Told of each answer that was scored again. */
  readonly onAudited: (verdict: ReplayVerdict) => void;
  readonly log: FieldsLog;
  /** Aborts when the server begins to shut down. */
  readonly stopping: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Answers that are scored again in one audit. */
const SAMPLE = 20;
/** Longest time between two looks at whether an audit is due. */
const LOOK_MS = 60_000;

/**
 * Scores some of the latest reproducible answers again while nothing else is to be done: weights in memory that have
 * changed, or a library that computes something else, show in answers that the model would not give any more.
 */
export class SelfAudit {
  readonly #options: SelfAuditOptions;
  readonly #now: () => number;
  readonly #audited = new Set<string>();
  #lastAt: number;
  #isRunning = false;

  constructor(options: SelfAuditOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#lastAt = this.#now();
  }

  /** Looks every minute or sooner whether an audit is due, until the server stops. */
  start(): void {
    const { everyMs, stopping } = this.#options;
    const timer = setInterval(() => void this.look(), Math.min(LOOK_MS, everyMs)).unref();
    stopping.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Audits what is due, as far as the server is idle; what is left waits for the next look. */
  async look(): Promise<void> {
    const { everyMs, kept, isIdle, stopping } = this.#options;
    if (this.#isRunning || this.#now() - this.#lastAt < everyMs) return;
    this.#isRunning = true;
    try {
      const sample = kept.ids.filter((id) => !this.#audited.has(id)).slice(-SAMPLE);
      for (const id of sample) {
        if (!isIdle() || stopping.aborted) return;
        await this.#audit(id);
      }
      this.#lastAt = this.#now();
      for (const id of this.#audited) if (!kept.ids.includes(id)) this.#audited.delete(id);
    } finally {
      this.#isRunning = false;
    }
  }

  async #audit(id: string): Promise<void> {
    const { replayer, stopping, onAudited, log } = this.#options;
    this.#audited.add(id);
    try {
      const { verdict, requestId, differences } = await replayer.replay(id, "score", {
        signal: stopping,
        lane: "batch",
      });
      // Another model or other settings may well give other answers.
      const isSame = differences.length === 0;
      onAudited(isSame ? verdict : "different");
      if (isSame && verdict === "contradicted")
        log.error({ request: requestId }, "the model would not give an earlier answer any more");
    } catch (error) {
      // Its model is gone, or busy again: nothing is known of the answer.
      log[error instanceof ApiError ? "debug" : "error"](
        { err: error, request: id },
        "an answer was not audited",
      );
    }
  }
}
