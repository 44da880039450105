import { InvalidRequestError, UnavailableError } from "../../errors.ts";

/** A statement that Postgres refused. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  /** SQLSTATE, such as `23505` for a violated unique constraint. */
  readonly sqlState: string;
  readonly constraint: string | undefined;
  constructor(message: string, sqlState: string, constraint?: string, cause?: unknown) {
    super(message, { cause });
    this.sqlState = sqlState;
    this.constraint = constraint;
  }
}

/** The store can't be used now; the message says what is in the way, for clients and for the log. */
export function storeUnavailable(message: string, cause?: unknown): UnavailableError {
  return new UnavailableError("store_unavailable", message, { retryAfterSeconds: 5, cause });
}

/** Classes of SQLSTATE that are about the server and not about the statement. */
const unavailableStates: Readonly<Record<string, string>> = {
  "08": "The connection to the database was lost.",
  "28": "The database refused the credentials in DATABASE_URL.",
  "3D": "The database that DATABASE_URL names does not exist.",
  "53": "The database has no resources left.",
  "57": "The database is shutting down or restarting.",
  "58": "The database met an error of the system it runs on.",
};

/** What Postgres says of texts that JSON may hold and its own may not. */
function isUnstorable(code: string, message: string): boolean {
  const [notInRepertoire, untranslatable, invalidText] = ["22021", "22P05", "22P02"];
  return (
    code === notInRepertoire || code === untranslatable || (code === invalidText && /json/.test(message))
  );
}

/** Five capitals and digits; without a digit it is a code of the system's, such as `EPIPE`. */
function isSqlState(code: unknown): code is string {
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
}

interface DriverError {
  readonly message: string;
  readonly code?: unknown;
  readonly constraint?: unknown;
}

/** What a driver threw, in the store's words. */
export function toStoreError(error: unknown): Error {
  // What the driver itself refuses, such as a parameter that refers to itself, is a defect.
  if (error instanceof TypeError) return error;
  const { message, code, constraint } = error as DriverError;
  if (isSqlState(code)) {
    if (isUnstorable(code, message))
      return new InvalidRequestError(
        "A text of the request can't be stored or looked for: it has NUL characters, or halves of surrogate pairs.",
        { cause: error },
      );
    if (code === "53100") return storeUnavailable("The disk of the database is full.", error);
    const explanation = unavailableStates[code.slice(0, 2)];
    if (explanation !== undefined) return storeUnavailable(explanation, error);
    return new QueryError(message, code, typeof constraint === "string" ? constraint : undefined, error);
  }
  // Sockets that were refused, reset or never answered: a driver's error without a SQLSTATE.
  return storeUnavailable("The database can't be reached.", error);
}
