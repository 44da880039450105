import { existsSync } from "node:fs";
import { UnavailableError } from "../../errors.ts";
import type { Log } from "../log.ts";
import { DataDirectoryLock } from "./data-directory.ts";
import { storeUnavailable } from "./errors.ts";
import { migrate, readMigrations } from "./migrations.ts";
import type { FreeBytes } from "./pglite/disk-room.ts";
import { databaseDirectory, openPglite } from "./pglite/open.ts";
import { PostgresDatabase } from "./postgres.ts";
import type { Connection, Database, Queries, Session } from "./queries.ts";

export type { Database, Queries } from "./queries.ts";

export interface StoreOptions {
  readonly dataDir: string;
  /** A Postgres to use; without it the embedded one in `dataDir` is. */
  readonly databaseUrl: string | undefined;
  /** Maximum connections to that Postgres; 10 by default. */
  readonly poolSize?: number;
  /** Tells how full the disk of `dataDir` is; asked of the file system unless given. */
  readonly freeBytes?: FreeBytes;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** How often a Postgres is asked whether it is there; 5 seconds by default. */
  readonly checkEveryMs?: number;
  /** Told of every statement that ended. */
  readonly onQuery?: (ms: number, outcome: "ok" | "error") => void;
}

export interface StoreStatus {
  readonly kind: "pglite" | "postgres";
  /** `failed`: could not be opened, or does not answer now. */
  readonly state: "closed" | "opening" | "open" | "failed";
  /** Why it failed. */
  readonly message?: string;
}

/** What pg-boss needs of a database: `new PgBoss({ db: connection, backend: connection.backend })`. */
export interface QueueConnection {
  readonly backend: "pglite" | "postgres";
  executeSql(text: string, values?: unknown[]): Promise<{ rows: object[] }>;
}

interface Opened {
  readonly connection: Connection;
  readonly observed: Database;
  readonly missingExtensions: ReadonlyMap<string, string>;
  readonly lock: Disposable | undefined;
}

/** `SELECT … FOR UPDATE` changes nothing. */
const writing = /\b(?:INSERT INTO|DELETE FROM|DROP TABLE|(?<!FOR )UPDATE) \w/i;

/** Everything that outlives the process. Nothing is opened, locked or migrated before its first use. */
export class Store {
  readonly #options: StoreOptions;
  #opening: Promise<Opened> | undefined;
  #state: StoreStatus["state"] = "closed";
  #message: string | undefined;
  #closing: Promise<void> | undefined;
  #writes = 0;
  #checks: NodeJS.Timeout | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  get status(): StoreStatus {
    return {
      kind: this.#options.databaseUrl === undefined ? "pglite" : "postgres",
      state: this.#state,
      ...(this.#message !== undefined && { message: this.#message }),
    };
  }

  /** Statements of this process that changed what is stored; another number than before where there may be news. */
  get writes(): number {
    return this.#writes;
  }

  /** False while nothing was ever stored: then nothing is left to resume after a start. */
  get hasData(): boolean {
    return this.#options.databaseUrl !== undefined || existsSync(databaseDirectory(this.#options.dataDir));
  }

  /**
   * The database, opened on first use. Ask for it each time and don't keep it: one that broke is
   * opened anew.
   * @throws UnavailableError `store_unavailable` that says what is in the way; the next call tries again
   */
  async database(): Promise<Database> {
    return (await this.#open()).observed;
  }

  /** Why the Postgres extension `name` can't be used, and with it what is built on it; undefined when it can. */
  async missingExtension(name: string): Promise<string | undefined> {
    return (await this.#open()).missingExtensions.get(name);
  }

  async queueConnection(): Promise<QueueConnection> {
    const { connection } = await this.#open();
    const { kind } = this.status;
    return {
      backend: kind,
      executeSql: async (text, values = []) => ({
        rows: await this.#noting(() =>
          values.length > 0 ? connection.query(text, values) : connection.script(text),
        ),
      }),
    };
  }

  /** Waits for what runs and closes; the store can't be opened again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#checks);
    // An opening that fails has closed what it had opened.
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.connection.close();
    opened?.lock?.[Symbol.dispose]();
    this.#state = "closed";
  }

  async #open(): Promise<Opened> {
    if (this.#closing !== undefined)
      throw storeUnavailable("The store is closed: the server is shutting down.");
    this.#opening ??= this.#tryToOpen();
    return this.#opening;
  }

  async #tryToOpen(): Promise<Opened> {
    const { log } = this.#options;
    this.#state = "opening";
    this.#message = undefined;
    const startedAt = performance.now();
    try {
      const opened = await this.#connect();
      for (const [name, problem] of opened.missingExtensions)
        log.warn(`what needs the extension ${name} is not available: ${problem}`);
      log.info(`store open: ${this.status.kind}, ${Math.round(performance.now() - startedAt)} ms`);
      this.#state = "open";
      if (this.#options.databaseUrl !== undefined) this.#keepChecking(opened.observed);
      return opened;
    } catch (error) {
      const failure =
        error instanceof UnavailableError
          ? error
          : storeUnavailable(`The store can't be opened: ${(error as Error).message}`, error);
      log.error(failure.message);
      this.#state = "failed";
      this.#message = failure.message;
      this.#opening = undefined;
      throw failure;
    }
  }

  async #connect(): Promise<Opened> {
    const { dataDir, databaseUrl, poolSize = 10, freeBytes, log } = this.#options;
    const lock = databaseUrl === undefined ? DataDirectoryLock.take(dataDir) : undefined;
    let connection: Connection | undefined;
    try {
      connection =
        databaseUrl === undefined
          ? await openPglite(databaseDirectory(dataDir), {
              onEnd: () => this.#lost(lock),
              ...(freeBytes !== undefined && { freeBytes }),
            })
          : await PostgresDatabase.open({
              url: databaseUrl,
              poolSize,
              onLost: (error) => log.warn(`a connection to the database was lost: ${error.message}`),
            });
      const missingExtensions = await migrate(connection, readMigrations());
      return { connection, observed: this.#observe(connection), missingExtensions, lock };
    } catch (error) {
      await connection?.close();
      lock?.[Symbol.dispose]();
      throw error;
    }
  }

  /** The embedded database ended by itself: the next use opens it anew. */
  #lost(lock: Disposable | undefined): void {
    if (this.#closing !== undefined || this.#state !== "open") return;
    this.#options.log.error("the embedded database ended; the next request opens it again");
    lock?.[Symbol.dispose]();
    this.#opening = undefined;
    this.#state = "closed";
  }

  /** A Postgres that dies while nothing is asked of it, or comes back, is noticed too. */
  #keepChecking(database: Database): void {
    const { checkEveryMs = 5_000 } = this.#options;
    let isWaiting = false;
    this.#checks = setInterval(async () => {
      if (isWaiting) return;
      isWaiting = true;
      // A failure has been noted where it was met.
      await database.query("SELECT 1").catch(() => undefined);
      isWaiting = false;
    }, checkEveryMs).unref();
  }

  /** Every use of the database says whether it is there. */
  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#note(undefined);
      return result;
    } catch (error) {
      const isAway = error instanceof UnavailableError && error.reason === "store_unavailable";
      this.#note(isAway ? error.message : undefined);
      throw error;
    }
  }

  #note(problem: string | undefined): void {
    if (this.#closing !== undefined || this.#opening === undefined) return;
    const { log } = this.#options;
    if (problem !== undefined && this.#state === "open") {
      this.#state = "failed";
      log.warn(`the store does not answer: ${problem}`);
    } else if (problem === undefined && this.#state === "failed") {
      this.#state = "open";
      log.info("the store answers again");
    }
    this.#message = problem;
  }

  #observe(connection: Connection): Database {
    const observe = async <T>(work: () => Promise<T>): Promise<T> => {
      const startedAt = performance.now();
      let outcome: "ok" | "error" = "error";
      try {
        const result = await this.#noting(work);
        outcome = "ok";
        return result;
      } finally {
        this.#options.onQuery?.(performance.now() - startedAt, outcome);
      }
    };
    const observed = (session: Session, wrote: () => void): Queries => ({
      query: async <Row extends object>(sql: string, parameters?: readonly unknown[]) => {
        const rows = await observe(() => session.query<Row>(sql, parameters));
        if (writing.test(sql)) wrote();
        return rows;
      },
    });
    return {
      ...observed(connection, () => this.#writes++),
      // Its own statements fail too: a connection that can't be made fails before the first of `work`.
      transaction: async (work) => {
        let writes = 0;
        const result = await this.#noting(() =>
          connection.transaction((session) => work(observed(session, () => writes++))),
        );
        // What is not committed can't be read.
        this.#writes += writes;
        return result;
      },
    };
  }
}
