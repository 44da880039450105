import { storeUnavailable, toStoreError } from "../errors.ts";
import type { Connection, Session } from "../queries.ts";
import { TransactionGuard } from "../transaction-guard.ts";
import { Turns } from "../turns.ts";
import type { DiskRoom } from "./disk-room.ts";
import type { PgliteFailure } from "./protocol.ts";
import type { PgliteWorker } from "./worker.ts";

/** Statements that take no room on the disk, or none worth speaking of. */
const readOnly = /^\s*(SELECT|SHOW|BEGIN|COMMIT|ROLLBACK)\b/i;

/** The embedded Postgres. It has one connection, which a transaction holds while it runs. */
export class PgliteDatabase implements Connection {
  readonly #worker: PgliteWorker;
  readonly #disk: DiskRoom;
  readonly #turns = new Turns();
  readonly #guard = new TransactionGuard();

  constructor(worker: PgliteWorker, disk: DiskRoom) {
    this.#worker = worker;
    this.#disk = disk;
  }

  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    this.#guard.check();
    return this.#turns.take(() => this.#session.query<Row>(sql, parameters));
  }

  async script<Row extends object>(sql: string): Promise<Row[]> {
    this.#guard.check();
    return this.#turns.take(async () => {
      try {
        return await this.#session.script<Row>(sql);
      } catch (error) {
        // A script may have begun a transaction of its own; what follows must not find it aborted.
        await this.#rollback();
        throw error;
      }
    });
  }

  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#guard.check();
    return this.#turns.take(async () => {
      await this.#session.script("BEGIN");
      try {
        const result = await this.#guard.inside(() => work(this.#session));
        await this.#session.script("COMMIT");
        return result;
      } catch (error) {
        await this.#rollback();
        throw error;
      }
    });
  }

  /** Writes a compressed copy of the whole database to `file`. */
  async dump(file: string): Promise<void> {
    try {
      await this.#turns.take(() => this.#worker.ask({ type: "dump", file }));
    } catch (error) {
      throw storeUnavailable(`The backup can't be written: ${(error as PgliteFailure).message}`, error);
    }
  }

  /** Waits for what runs, then closes the files. */
  async close(): Promise<void> {
    await this.#turns.take(() => this.#worker.ask({ type: "close" })).catch(ignoreAlreadyEnded);
    await this.#worker.terminate();
  }

  /** The connection itself; only for the holder of the turn. */
  readonly #session: Session = {
    query: (sql, parameters = []) => this.#ask({ type: "query", sql, parameters }),
    script: (sql) => this.#ask({ type: "script", sql }),
  };

  async #ask<Row extends object>(
    request: Extract<Parameters<PgliteWorker["ask"]>[0], { sql: string }>,
  ): Promise<Row[]> {
    if (!readOnly.test(request.sql)) await this.#disk.require();
    try {
      return await this.#worker.ask<Row>(request);
    } catch (error) {
      const { message, code } = error as PgliteFailure;
      // Not refused by Postgres but by the driver: a parameter of the wrong type, which is a defect.
      throw code === undefined ? new Error(message, { cause: error }) : toStoreError(error);
    }
  }

  /** After a failure. A connection that can't roll back is gone, and Postgres rolls back by itself. */
  async #rollback(): Promise<void> {
    await this.#worker.ask({ type: "script", sql: "ROLLBACK" }).catch(() => this.#worker.terminate());
  }
}

function ignoreAlreadyEnded(): undefined {
  return undefined;
}
