import { setTimeout as pause } from "node:timers/promises";
import type { FieldsLog, Log } from "../log.ts";
import type { Queries, Store } from "../store/database.ts";
import { Changes } from "./changes.ts";
import type { Claim, JobQueue } from "./queue.ts";

/** The one group of jobs. */
const GROUP = "all";
/** How often jobs that are due are looked for while there are any. */
const POLL_MS = 1_000;
/** How often those of servers that went away are looked for. */
const PATROL_MS = 15_000;
/** Well within the time after which a claim lapses. */
const KEEP_MS = 10_000;

export interface JobLoopOptions<Job> {
  readonly store: Store;
  readonly queue: JobQueue;
  /** What is made, in the words of the log. */
  readonly name: string;
  /** Jobs that this process works on at the same time; further ones wait in the store. */
  readonly concurrency: number;
  /** Numbers of the jobs that are to be done; a number is never used again. */
  readonly due: (queries: Queries) => Promise<readonly number[]>;
  /** Writes down that an attempt begins, in the transaction in which the job is taken. */
  readonly begin: (queries: Queries, claim: Claim) => Promise<Job>;
  /** Does the job, until `stopping`; completes its claim or gives it back in the transactions of its results. */
  readonly work: (claim: Claim, job: Job, stopping: AbortSignal) => Promise<void>;
  /** Ends a job that was taken up many times and never came back. */
  readonly giveUp: (claim: Claim) => Promise<void>;
  readonly log: Pick<Log, "warn"> & Pick<FieldsLog, "error">;
}

/** Works on durable jobs, each with a number of its own, and takes up those that other processes left. */
export class JobLoop<Job> {
  readonly #options: JobLoopOptions<Job>;
  readonly #stopping = new AbortController();
  readonly #changes = new Changes();
  readonly #claims = new Map<Claim, Promise<void>>();
  #loop: Promise<void> | undefined;

  constructor(options: JobLoopOptions<Job>) {
    this.#options = options;
  }

  /** Looks for jobs now, and from now on. */
  wake(): void {
    this.#loop ??= this.#run();
    this.#changes.changed(GROUP);
  }

  /** Works from now on on what an earlier process left, and what others leave. */
  async recover(): Promise<void> {
    const { store, queue, due } = this.#options;
    const waiting = await due(await store.database());
    // Only one process has the embedded database: what is taken up there was so by one that is gone.
    if (waiting.length > 0 && store.status.kind === "pglite") await queue.drop(GROUP);
    this.wake();
  }

  /** Ends what is under way, for the next process to take up. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.allSettled(this.#claims.values());
    await this.#options.queue.stop();
  }

  /** Marks a job as done, in the transaction of its result. */
  complete(claim: Claim, queries: Queries): Promise<void> {
    return this.#options.queue.complete(GROUP, claim, queries);
  }

  /** Has the job taken up again after a pause. */
  giveBack(claim: Claim, queries: Queries): Promise<void> {
    return this.#options.queue.giveBack(GROUP, [claim], queries);
  }

  async #run(): Promise<void> {
    const { log, name } = this.#options;
    const { signal } = this.#stopping;
    const keeping = setInterval(() => this.#keep(), KEEP_MS);
    while (!signal.aborted) {
      const wanted = this.#changes.next(GROUP, PATROL_MS, signal);
      const isBusy = await this.#takeUp().catch((error: unknown) => {
        log.error({ err: error }, `${name} could not be taken up`);
        return true;
      });
      const soon = isBusy ? [pause(POLL_MS, undefined, { signal }).catch(() => {})] : [];
      await Promise.race([wanted, ...soon, ...this.#claims.values()]);
    }
    clearInterval(keeping);
  }

  #keep(): void {
    const { queue, log, name } = this.#options;
    const claims = [...this.#claims.keys()];
    if (claims.length === 0) return;
    queue.keep(GROUP, claims).catch((error: Error) => log.warn(`claims of ${name}: ${error.message}`));
  }

  /** @returns whether any job is yet to be done, here or elsewhere */
  async #takeUp(): Promise<boolean> {
    const { store, queue, due, begin, work, giveUp, concurrency, log, name } = this.#options;
    const database = await store.database();
    const waiting = await due(database);
    if (waiting.length === 0) return false;
    await queue.open(GROUP);
    // Those that are queued already stay so.
    await queue.add(GROUP, waiting);
    await queue.takeLost((_group, claim) => giveUp(claim));
    const free = concurrency - this.#claims.size;
    if (free <= 0) return true;
    const taken = await database.transaction(async (queries) => {
      const claims = await queue.claim(GROUP, free, queries);
      const jobs: Array<readonly [Claim, Job]> = [];
      for (const claim of claims) jobs.push([claim, await begin(queries, claim)]);
      return jobs;
    });
    for (const [claim, job] of taken) {
      const made = work(claim, job, this.#stopping.signal)
        .catch((error: unknown) => log.error({ err: error }, name))
        .finally(() => this.#claims.delete(claim));
      this.#claims.set(claim, made);
    }
    return true;
  }
}
