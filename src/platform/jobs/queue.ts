import type { PgBoss } from "pg-boss";
import type { Log } from "../log.ts";
import type { Queries, Store } from "../store/database.ts";

/** A job taken from the queue, until it is given back or done. */
export interface Claim {
  readonly position: number;
  /** From 1; every time that the job is taken up is one more. */
  readonly attempt: number;
}

/** Jobs that one statement adds. */
const CHUNK = 1000;
/** Silence after which a claim is void and its job goes to another server. */
const HEARTBEAT_SECONDS = 30;
/** How often void claims are looked for. */
const SUPERVISE_SECONDS = 15;
/** pg-boss's largest; a group may be paused for long. */
const RETENTION_SECONDS = 365 * 24 * 3600;
/** A job that was taken up so often and never came back is not tried again: it may be what kills the server. */
const MAX_ATTEMPTS = 20;

/** A job's id is its position: it can't be queued twice. */
const jobId = (position: number) => `00000000-0000-8000-8000-${position.toString(16).padStart(12, "0")}`;
const attemptOf = ({ position, attempt }: Claim) => ({ id: jobId(position), retryCount: attempt - 1 });

interface JobData {
  readonly group: string;
  readonly position: number;
}

export interface JobQueueOptions {
  readonly store: Store;
  /** What the jobs are of; names their queues in the store. */
  readonly name: string;
  readonly log: Pick<Log, "warn">;
}

/**
 * Jobs that survive the process, numbered within groups: pg-boss, with one of its queues per group. What changes a
 * job's state takes the `Queries` of the transaction in which the caller writes its attempt or its result: the queue and
 * the results can't disagree. A claim is fenced by its attempt: one that has lapsed changes nothing.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  #boss: Promise<PgBoss> | undefined;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Makes the group's queue where there is none. Must be called before anything else of that group. */
  async open(group: string): Promise<void> {
    const boss = await this.#started();
    await boss.createQueue(this.#queue(group), {
      retryLimit: MAX_ATTEMPTS - 1,
      retryDelay: 1,
      retryBackoff: true,
      retryDelayMax: 30,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      expireInSeconds: 24 * 3600,
      retentionSeconds: RETENTION_SECONDS,
      deleteAfterSeconds: 0,
      deadLetter: this.#lost,
    });
  }

  /** Queues jobs; those that are queued already stay as they are. */
  async add(group: string, positions: readonly number[]): Promise<void> {
    const boss = await this.#started();
    for (let start = 0; start < positions.length; start += CHUNK) {
      const chunk = positions.slice(start, start + CHUNK);
      await boss.insert(
        this.#queue(group),
        chunk.map((position) => ({
          id: jobId(position),
          data: { group, position } satisfies JobData,
        })),
      );
    }
  }

  /** Takes up to `count` jobs that are due. */
  async claim(group: string, count: number, queries: Queries): Promise<Claim[]> {
    const boss = await this.#started();
    const jobs = await boss.fetch<JobData>(this.#queue(group), { batchSize: count, db: asDb(queries) });
    return jobs.map(({ data, retryCount }) => ({ position: data.position, attempt: retryCount + 1 }));
  }

  async complete(group: string, claim: Claim, queries: Queries): Promise<void> {
    const boss = await this.#started();
    await boss.complete(this.#queue(group), attemptOf(claim), null, { db: asDb(queries) });
  }

  /** Gives jobs back, to be taken up again after a pause that doubles each time, with jitter. */
  async giveBack(group: string, claims: readonly Claim[], queries: Queries): Promise<void> {
    const boss = await this.#started();
    await boss.fail(this.#queue(group), claims.map(attemptOf), null, { db: asDb(queries) });
  }

  /** Reports that these are still being worked on. */
  async keep(group: string, claims: readonly Claim[]): Promise<void> {
    const boss = await this.#started();
    await boss.touch(this.#queue(group), claims.map(attemptOf));
  }

  /** Forgets the group's jobs. */
  async drop(group: string): Promise<void> {
    const boss = await this.#started();
    await boss.deleteQueue(this.#queue(group));
  }

  /** Groups that have a queue. */
  async groups(): Promise<string[]> {
    const boss = await this.#started();
    const queues = await boss.getQueues();
    return queues.flatMap(({ name }) =>
      name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : [],
    );
  }

  /** Takes jobs that were taken up `MAX_ATTEMPTS` times and never came back; `handle` gives them their result. */
  async takeLost(handle: (group: string, claim: Claim) => Promise<void>): Promise<void> {
    const boss = await this.#started();
    const jobs = await boss.fetch<JobData>(this.#lost, { batchSize: CHUNK });
    for (const { id, data } of jobs) {
      await handle(data.group, { position: data.position, attempt: MAX_ATTEMPTS });
      await boss.complete(this.#lost, id);
    }
  }

  async stop(): Promise<void> {
    const boss = await this.#boss?.catch(() => undefined);
    await boss?.stop({ graceful: false, close: false });
  }

  get #prefix(): string {
    return `${this.#options.name}/`;
  }

  get #lost(): string {
    return `${this.#options.name}-lost`;
  }

  #queue(group: string): string {
    return this.#prefix + group;
  }

  #started(): Promise<PgBoss> {
    this.#boss ??= this.#start().catch((error: unknown) => {
      this.#boss = undefined;
      throw error;
    });
    return this.#boss;
  }

  async #start(): Promise<PgBoss> {
    const connection = await this.#options.store.queueConnection();
    const { PgBoss } = await import("pg-boss");
    const boss = new PgBoss({
      db: connection,
      backend: connection.backend,
      schedule: false,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      registerInstance: false,
      // The embedded Postgres has no autovacuum to watch, and rebuilding an index would stop all other work.
      ...(connection.backend === "pglite" && { monitorVacuum: false, reindex: false }),
    });
    boss.on("error", (error) =>
      this.#options.log.warn(`the queue of ${this.#options.name}: ${error.message}`),
    );
    await boss.start();
    await boss.createQueue(this.#lost, { retentionSeconds: RETENTION_SECONDS, deleteAfterSeconds: 0 });
    return boss;
  }
}

/** The statements of a transaction, in the form in which pg-boss takes them. */
function asDb(queries: Queries) {
  return {
    executeSql: async (text: string, values: unknown[] = []) => ({ rows: await queries.query(text, values) }),
  };
}
