import { PgBoss } from "pg-boss";
import type { Queries, Store } from "../../../platform/store/database.ts";

/** A record taken from the queue, until it is given back or done. */
export interface Claim {
  readonly position: number;
  /** From 1; every time that the record is taken up is one more. */
  readonly attempt: number;
}

/** Jobs that one statement adds. */
const CHUNK = 1000;
/** Silence after which a claim is void and its record goes to another server. */
const HEARTBEAT_SECONDS = 30;
/** How often void claims are looked for. */
const SUPERVISE_SECONDS = 15;
/** pg-boss's largest; a run may be paused for long. */
const RETENTION_SECONDS = 365 * 24 * 3600;
/** A record that was taken up so often and never came back is not tried again: it may be what kills the server. */
const MAX_ATTEMPTS = 20;

const prefix = "batch-eval/";
const lostRecords = "batch-eval-lost";

const queueName = (runId: string) => `${prefix}${runId}`;
/** A job's id is its record's position, so that a record can't be queued twice. */
const jobId = (position: number) => `00000000-0000-8000-8000-${position.toString(16).padStart(12, "0")}`;
const attemptOf = ({ position, attempt }: Claim) => ({ id: jobId(position), retryCount: attempt - 1 });

interface JobData {
  readonly run_id: string;
  readonly position: number;
}

export interface QueueLog {
  warn(message: string): void;
}

/**
 * Which records of a run are still to be evaluated: pg-boss, one queue a run and one job a record. What changes a
 * record's state takes the `Queries` of the transaction in which its attempt or its result is written, so that the
 * queue and the results can't disagree. A claim is fenced by its attempt: one that has lapsed changes nothing.
 */
export class RecordQueue {
  readonly #store: Store;
  readonly #log: QueueLog;
  #boss: Promise<PgBoss> | undefined;

  constructor(store: Store, log: QueueLog) {
    this.#store = store;
    this.#log = log;
  }

  /** Makes the run's queue where there is none. Asked for before anything else of that run. */
  async open(runId: string): Promise<void> {
    const boss = await this.#started();
    await boss.createQueue(queueName(runId), {
      retryLimit: MAX_ATTEMPTS - 1,
      retryDelay: 1,
      retryBackoff: true,
      retryDelayMax: 30,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      expireInSeconds: 24 * 3600,
      retentionSeconds: RETENTION_SECONDS,
      deleteAfterSeconds: 0,
      deadLetter: lostRecords,
    });
  }

  /** Queues records; those that are queued already stay as they are. */
  async add(runId: string, positions: readonly number[]): Promise<void> {
    const boss = await this.#started();
    for (let start = 0; start < positions.length; start += CHUNK) {
      const chunk = positions.slice(start, start + CHUNK);
      await boss.insert(
        queueName(runId),
        chunk.map((position) => ({
          id: jobId(position),
          data: { run_id: runId, position } satisfies JobData,
        })),
      );
    }
  }

  /** Takes up to `count` records that are due. */
  async claim(runId: string, count: number, queries: Queries): Promise<Claim[]> {
    const boss = await this.#started();
    const jobs = await boss.fetch<JobData>(queueName(runId), { batchSize: count, db: asDb(queries) });
    return jobs.map(({ data, retryCount }) => ({ position: data.position, attempt: retryCount + 1 }));
  }

  async complete(runId: string, claim: Claim, queries: Queries): Promise<void> {
    const boss = await this.#started();
    await boss.complete(queueName(runId), attemptOf(claim), null, { db: asDb(queries) });
  }

  /** Gives records back, to be taken up again after a pause that doubles each time, with jitter. */
  async giveBack(runId: string, claims: readonly Claim[], queries: Queries): Promise<void> {
    const boss = await this.#started();
    await boss.fail(queueName(runId), claims.map(attemptOf), null, { db: asDb(queries) });
  }

  /** Says that these are still being worked on. */
  async keep(runId: string, claims: readonly Claim[]): Promise<void> {
    const boss = await this.#started();
    await boss.touch(queueName(runId), claims.map(attemptOf));
  }

  /** Forgets the run's records. */
  async drop(runId: string): Promise<void> {
    const boss = await this.#started();
    await boss.deleteQueue(queueName(runId));
  }

  /** Runs that have a queue. */
  async runs(): Promise<string[]> {
    const boss = await this.#started();
    const queues = await boss.getQueues();
    return queues.flatMap(({ name }) => (name.startsWith(prefix) ? name.slice(prefix.length) : []));
  }

  /** Takes records that were taken up `MAX_ATTEMPTS` times and never came back; `handle` gives them their result. */
  async takeLost(handle: (runId: string, claim: Claim) => Promise<void>): Promise<void> {
    const boss = await this.#started();
    const jobs = await boss.fetch<JobData>(lostRecords, { batchSize: CHUNK });
    for (const { id, data } of jobs) {
      await handle(data.run_id, { position: data.position, attempt: MAX_ATTEMPTS });
      await boss.complete(lostRecords, id);
    }
  }

  async stop(): Promise<void> {
    const boss = await this.#boss?.catch(() => undefined);
    await boss?.stop({ graceful: false, close: false });
  }

  #started(): Promise<PgBoss> {
    this.#boss ??= this.#start().catch((error: unknown) => {
      this.#boss = undefined;
      throw error;
    });
    return this.#boss;
  }

  async #start(): Promise<PgBoss> {
    const connection = await this.#store.queueConnection();
    const boss = new PgBoss({
      db: connection,
      backend: connection.backend,
      schedule: false,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      registerInstance: false,
      // The embedded Postgres has no autovacuum to watch, and rebuilding an index would stop everybody else.
      ...(connection.backend === "pglite" && { monitorVacuum: false, reindex: false }),
    });
    boss.on("error", (error) => this.#log.warn(`the queue of batch evaluations: ${error.message}`));
    await boss.start();
    await boss.createQueue(lostRecords, { retentionSeconds: RETENTION_SECONDS, deleteAfterSeconds: 0 });
    return boss;
  }
}

/** The statements of a transaction, in the form in which pg-boss takes them. */
function asDb(queries: Queries) {
  return {
    executeSql: async (text: string, values: unknown[] = []) => ({ rows: await queries.query(text, values) }),
  };
}
