import { setTimeout as pause } from "node:timers/promises";
import { UnavailableError } from "../../../errors.ts";
import type { Store } from "../../../platform/store/database.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import type { ModelCheck } from "./model-check.ts";
import type { Run } from "./run.ts";
import { activeRuns, changeStatus, findRun, setFileHash } from "./run-table.ts";
import type { RunSignals } from "./signals.ts";

/** Pause before a run goes on when the store failed under it; it doubles up to the second. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** How often records that never came back are looked for. */
const LOST_MS = 15_000;

export interface DispatcherLog {
  info(message: string): void;
  warn(message: string): void;
  error(fields: object, message: string): void;
}

export interface DispatcherOptions extends Pick<ExecutionOptions, "evaluate" | "ledger" | "queue"> {
  readonly store: Store;
  readonly signals: RunSignals;
  readonly log: DispatcherLog;
  readonly recordAt: (run: Run, position: number) => ReturnType<ExecutionOptions["recordAt"]>;
  readonly model: ModelCheck;
}

interface Work {
  readonly controller: AbortController;
  readonly done: Promise<void>;
  /** Asked for once more while it was ending. */
  isWanted: boolean;
}

/** Executes all running runs concurrently, and resumes them after a crash or restart. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #work = new Map<string, Work>();
  #isStopping = false;
  #lostTimer: NodeJS.Timeout | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier process left, and clears away what it no longer needed. */
  async recover(): Promise<void> {
    const { store, queue, log } = this.#options;
    const runs = await activeRuns(await store.database());
    if (runs.length > 0) log.info(`going on with ${runs.length} batch evaluations`);
    for (const { runId } of runs) this.start(runId);
    for (const runId of await queue.runs()) {
      const run = await findRun(await store.database(), runId);
      if (run === undefined || run.finishedAt !== null) await queue.drop(runId);
    }
  }

  /** Works on the run from now on, unless that is done already. */
  start(runId: string): void {
    if (this.#isStopping) return;
    const current = this.#work.get(runId);
    if (current !== undefined) {
      current.isWanted = true;
      return;
    }
    this.#lostTimer ??= setInterval(() => this.#settleLost(), LOST_MS).unref();
    const controller = new AbortController();
    const done = this.#workOn(runId, controller.signal).finally(() => {
      const { isWanted } = this.#work.get(runId) as Work;
      this.#work.delete(runId);
      if (isWanted) this.start(runId);
    });
    this.#work.set(runId, { controller, done, isWanted: false });
  }

  /** Ends what is under way of a run that was cancelled, and forgets its records. */
  async abandon(runId: string): Promise<void> {
    await this.#end(runId);
    await this.#options.queue.drop(runId);
  }

  /** Gives back what is under way, for the next process to take up. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#lostTimer);
    await Promise.all([...this.#work.keys()].map((runId) => this.#end(runId)));
    await this.#options.queue.stop();
  }

  async #end(runId: string): Promise<void> {
    const work = this.#work.get(runId);
    work?.controller.abort();
    await work?.done;
  }

  async #workOn(runId: string, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await this.#execute(runId, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const { log } = this.#options;
        if (!(error instanceof UnavailableError)) {
          log.error({ err: error }, `batch evaluation ${runId} met a defect`);
          await this.#change(runId, "paused", "a defect of the server; its log has the particulars");
          return;
        }
        log.warn(`batch evaluation ${runId} goes on in ${pauseMs} ms: ${error.message}`);
        await pause(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #execute(runId: string, signal: AbortSignal): Promise<void> {
    const { store, ledger, queue, model, signals, log } = this.#options;
    const run = await findRun(await store.database(), runId);
    if (run === undefined || (run.status !== "queued" && run.status !== "running")) return;
    const obstacle = await model.obstacle(run, signal);
    if (obstacle !== undefined) {
      log.warn(`batch evaluation ${runId} is paused: ${obstacle}`);
      await this.#change(runId, "paused", obstacle);
      return;
    }
    if (run.provenance.model.file_sha256 === null)
      await setFileHash(await store.database(), runId, await model.fileHash());
    await queue.open(runId);
    // Only one process has the embedded database: what is taken up there and not by us was so by one that is gone.
    if (store.status.kind === "pglite") await ledger.interruptAll(runId);
    await queue.add(runId, await ledger.unsettled(runId));
    if (run.status === "queued") await this.#change(runId, "running");
    const { evaluate, recordAt } = this.#options;
    const execution = new Execution({
      run,
      ledger,
      queue,
      isReady: () => model.isReadyFor(run),
      evaluate,
      recordAt: (position) => recordAt(run, position),
      onChange: () => signals.changed(runId),
      onDefect: (error) => log.error({ err: error }, `a record of batch evaluation ${runId} met a defect`),
      signal,
    });
    await execution.work();
    // A finished run needs no queue.
    const worked = await findRun(await store.database(), runId);
    if (worked !== undefined && worked.finishedAt !== null) await queue.drop(runId);
  }

  /** Gives a result to records that were taken up many times and never came back, such as those that kill the server. */
  async #settleLost(): Promise<void> {
    const { store, queue, ledger, recordAt, signals, log } = this.#options;
    const error = { code: "record_lost", message: "Taken up again and again, and never heard of since." };
    try {
      await queue.takeLost(async (runId, claim) => {
        const run = await findRun(await store.database(), runId);
        const record = run && (await recordAt(run, claim.position));
        if (run === undefined || record === undefined || run.finishedAt !== null) return;
        await queue.open(runId);
        await ledger.settle(runId, claim, record, { error }, () => undefined);
        signals.changed(runId);
      });
    } catch (cause) {
      log.error({ err: cause }, "lost records could not be settled; the next try is in a moment");
    }
  }

  async #change(runId: string, to: "running" | "paused", reason: string | null = null): Promise<void> {
    const database = await this.#options.store.database();
    await database.transaction((queries) => changeStatus(queries, runId, ["queued", "running"], to, reason));
    this.#options.signals.changed(runId);
  }
}
