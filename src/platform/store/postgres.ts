import { Pool, type PoolClient, type QueryResultRow, types } from "pg";
import { storeUnavailable, toStoreError } from "./errors.ts";
import type { Connection, Session } from "./queries.ts";
import { TransactionGuard } from "./transaction-guard.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const OLDEST_VERSION = 140_000;

export interface PostgresOptions {
  readonly url: string;
  /** Maximum connections. */
  readonly poolSize: number;
  /** Called when a connection broke, idle or between two statements of a transaction. */
  readonly onLost: (error: Error) => void;
}

/** A Postgres server, through a pool of connections. */
export class PostgresDatabase implements Connection {
  readonly #pool: Pool;
  readonly #guard = new TransactionGuard();
  readonly #onLost: (error: Error) => void;

  private constructor(pool: Pool, onLost: (error: Error) => void) {
    this.#pool = pool;
    this.#onLost = onLost;
  }

  /** @throws UnavailableError when the server can't be reached or is too old */
  static async open({ url, poolSize, onLost }: PostgresOptions): Promise<PostgresDatabase> {
    const pool = new Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "llm-server",
      types: { getTypeParser: typeParser },
    });
    pool.on("error", onLost);
    const database = new PostgresDatabase(pool, onLost);
    try {
      const [row] = await database.query<{ version: number; name: string }>(
        "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name",
      );
      if (row === undefined || row.version < OLDEST_VERSION)
        throw storeUnavailable(`DATABASE_URL is Postgres ${row?.name}; 14 or newer is needed.`);
    } catch (error) {
      await pool.end();
      throw error;
    }
    return database;
  }

  async query<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    this.#guard.check();
    return sessionOf(this.#pool).query<Row>(sql, parameters);
  }

  async script<Row extends object>(sql: string): Promise<Row[]> {
    this.#guard.check();
    return this.#withClient((session) => session.script<Row>(sql));
  }

  async transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#guard.check();
    return this.#withClient(async (session) => {
      await session.script("BEGIN");
      const result = await this.#guard.inside(() => work(session));
      await session.script("COMMIT");
      return result;
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Whatever fails, the connection goes back without a transaction left open on it. */
  async #withClient<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw toStoreError(error);
    });
    let isBroken = false;
    // The pool listens to idle connections only, and an error without a listener would end this process.
    const lost = (error: Error) => {
      isBroken = true;
      this.#onLost(error);
    };
    client.on("error", lost);
    try {
      return await work(sessionOf(client));
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {
        isBroken = true;
      });
      throw error;
    } finally {
      client.off("error", lost);
      client.release(isBroken);
    }
  }
}

function sessionOf(client: Pool | PoolClient): Session {
  return {
    query: async <Row extends object>(sql: string, parameters: readonly unknown[] = []) => {
      try {
        return (await client.query<Row & QueryResultRow>(sql, [...parameters])).rows as Row[];
      } catch (error) {
        throw toStoreError(error);
      }
    },
    script: async <Row extends object>(sql: string) => {
      try {
        // Several statements give several results, which the driver's types don't say.
        const results = await client.query<Row & QueryResultRow>(sql);
        return [results].flat().flatMap(({ rows }) => rows as Row[]);
      } catch (error) {
        throw toStoreError(error);
      }
    },
  };
}

/** `bigint` comes as text unless configured. Counts and positions are far below 2^53. */
function typeParser(oid: number, format?: "text" | "binary") {
  return oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format as "text");
}
