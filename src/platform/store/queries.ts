/** What a feature's SQL is written against, whichever Postgres is behind it. */
export interface Queries {
  /**
   * Runs one statement with `$1`-style parameters and returns its rows.
   *
   * The same types come back from every Postgres: `bigint` as a number, `timestamptz` as a `Date`, `jsonb` parsed,
   * `bytea` as a `Uint8Array`, `numeric` and `vector` as text. Hand JSON over as text (`$1::jsonb` with
   * `JSON.stringify`): drivers disagree on what a JavaScript array stands for.
   * @throws QueryError when Postgres refuses it
   * @throws UnavailableError `store_unavailable` when the database can't be reached, is full, or went away
   */
  query<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Queries {
  /**
   * Runs `work` in one transaction: all of it is kept, or, when it throws, nothing. Keep it short: the embedded
   * database has one connection, so all others wait meanwhile.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
}

/** `Queries` as the store's own parts need them. */
export interface Session extends Queries {
  /** Runs several statements without parameters; the rows of all of them, in order. */
  script<Row extends object>(sql: string): Promise<Row[]>;
}

/** An open database as an adapter gives it. */
export interface Connection extends Session {
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
