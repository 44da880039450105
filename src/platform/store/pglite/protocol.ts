/** The protocol between the server and the thread that PGlite runs on: plain data, structured clones. */

export interface PgliteThreadData {
  /** Where the database's files are; made there when there are none. */
  readonly directory: string;
  /** A backup to make the files of, instead of an empty database. */
  readonly backup: string | undefined;
}

export type ToPglite =
  | {
      readonly type: "query";
      readonly id: number;
      readonly sql: string;
      readonly parameters: readonly unknown[];
    }
  /** Several statements, without parameters. */
  | { readonly type: "script"; readonly id: number; readonly sql: string }
  /** Writes a compressed copy of the data directory to `file`. */
  | { readonly type: "dump"; readonly id: number; readonly file: string }
  | { readonly type: "close"; readonly id: number };

export interface PgliteFailure {
  readonly message: string;
  /** SQLSTATE; undefined when it was not Postgres that refused. */
  readonly code: string | undefined;
  readonly constraint: string | undefined;
}

export type FromPglite =
  | { readonly type: "opened" }
  | { readonly type: "rows"; readonly id: number; readonly rows: readonly object[] }
  | { readonly type: "failed"; readonly id: number; readonly failure: PgliteFailure };
