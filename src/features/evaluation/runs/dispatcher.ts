import { ApiError } from "../../../errors.ts";
import type { Changes } from "../../../platform/jobs/changes.ts";
import { Workers } from "../../../platform/jobs/workers.ts";
import type { FieldsLog, Log } from "../../../platform/log.ts";
import type { Store } from "../../../platform/store/database.ts";
import { Execution, type ExecutionOptions } from "./execution.ts";
import type { ModelCheck } from "./model-check.ts";
import type { Run } from "./run.ts";
import { activeRuns, changeStatus, findRun, setFileHash } from "./run-table.ts";

/** How often runs without a worker are looked for, and records that never came back. */
const PATROL_MS = 15_000;
/** A running server writes more often than this to a run that it works on, unless a single record takes so long. */
const SILENT_MS = 60_000;

export type DispatcherLog = Pick<Log, "info" | "warn"> & Pick<FieldsLog, "error">;

export interface DispatcherOptions extends Pick<ExecutionOptions, "evaluate" | "attempts" | "queue"> {
  readonly store: Store;
  readonly changes: Changes;
  readonly log: DispatcherLog;
  readonly recordAt: (run: Run, position: number) => ReturnType<ExecutionOptions["recordAt"]>;
  readonly model: Pick<ModelCheck, "awaited" | "obstacle" | "fileHash">;
}

/** Executes all running runs concurrently, and resumes them after a crash or restart. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #workers: Workers;
  #patrol: NodeJS.Timeout | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { log } = options;
    this.#workers = new Workers({
      work: (runId, signal) => this.#execute(runId, signal),
      onDefect: async (runId, error) => {
        log.error({ err: error }, `batch evaluation ${runId} met a defect`);
        await this.#change(runId, "paused", "a defect of the server; its log has the particulars");
      },
      onRetry: (runId, error, pauseMs) =>
        log.warn(`batch evaluation ${runId} is tried again in ${pauseMs} ms: ${(error as Error).message}`),
    });
  }

  /** Resumes what an earlier process left, and clears away what it no longer needed. */
  async recover(): Promise<void> {
    this.#beginPatrol();
    const { store, queue, log } = this.#options;
    const runs = await activeRuns(await store.database());
    if (runs.length > 0) log.info(`resuming ${runs.length} batch evaluations`);
    for (const { runId } of runs) this.start(runId);
    for (const runId of await queue.groups()) {
      const run = await findRun(await store.database(), runId);
      if (run === undefined || run.finishedAt !== null) await queue.drop(runId);
    }
  }

  /** Works on the run from now on, unless that is done already. */
  start(runId: string): void {
    this.#beginPatrol();
    this.#workers.start(runId);
  }

  /** Ends what is under way of a run that was cancelled, and forgets its records. */
  async abandon(runId: string): Promise<void> {
    await this.#workers.end(runId);
    await this.#options.queue.drop(runId);
  }

  /** Gives back what is under way, for the next process to take up. */
  async stop(): Promise<void> {
    clearInterval(this.#patrol);
    await this.#workers.stop();
    await this.#options.queue.stop();
  }

  /** What keeps a queued or running run from being worked on; null when nothing does, as far as this server knows. */
  heldUpBy({ runId, status, updatedAt, provenance }: Run): string | null {
    if (status !== "queued" && status !== "running") return null;
    if (this.#workers.has(runId)) {
      const failure = this.#workers.failure(runId);
      if (failure === undefined) return this.#options.model.awaited(provenance) ?? null;
      const message =
        failure instanceof ApiError ? failure.message : "a defect, which is in the server's log";
      return `tried again within half a minute: ${message}`;
    }
    if (Date.now() - updatedAt.getTime() < SILENT_MS) return null;
    return `no server works on this run; this one looks for such runs every ${PATROL_MS / 1000} s`;
  }

  #beginPatrol(): void {
    this.#patrol ??= setInterval(() => {
      const { log } = this.#options;
      const failed = (error: unknown) =>
        log.error({ err: error }, "could not look for batch evaluations without a worker");
      Promise.all([this.#settleLost(), this.#adopt()]).catch(failed);
    }, PATROL_MS).unref();
  }

  /** Takes up runs whose server went away, or that could not be taken up at start. */
  async #adopt(): Promise<void> {
    const { store, log } = this.#options;
    for (const { runId } of await activeRuns(await store.database(), SILENT_MS)) {
      if (this.#workers.has(runId)) continue;
      log.warn(`batch evaluation ${runId} was left by its server and is resumed`);
      this.start(runId);
    }
  }

  async #execute(runId: string, signal: AbortSignal): Promise<void> {
    const { store, attempts, queue, model, changes, log } = this.#options;
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
    if (store.status.kind === "pglite") await attempts.interruptAll(runId);
    await queue.add(runId, await attempts.unsettled(runId));
    if (run.status === "queued") await this.#change(runId, "running");
    const { evaluate, recordAt } = this.#options;
    const execution = new Execution({
      run,
      attempts,
      queue,
      isReady: () => model.awaited(run.provenance) === undefined,
      evaluate,
      recordAt: (position) => recordAt(run, position),
      onChange: () => changes.changed(runId),
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
    const { store, queue, attempts, recordAt, changes } = this.#options;
    const error = { code: "record_lost", message: "Taken up again and again, and never heard of since." };
    await queue.takeLost(async (runId, claim) => {
      const run = await findRun(await store.database(), runId);
      const record = run && (await recordAt(run, claim.position));
      if (run === undefined || record === undefined || run.finishedAt !== null) return;
      await queue.open(runId);
      await attempts.settle({ runId, claim, record, expect: () => undefined }, { error });
      changes.changed(runId);
    });
  }

  async #change(runId: string, to: "running" | "paused", reason: string | null = null): Promise<void> {
    const database = await this.#options.store.database();
    await database.transaction((queries) => changeStatus(queries, runId, ["queued", "running"], to, reason));
    this.#options.changes.changed(runId);
  }
}
