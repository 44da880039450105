import { ApiError } from "../../errors.ts";
import type { Queries } from "../../platform/store/database.ts";

/** Which part of a list is wanted. */
export interface ListRequest {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** Id of what stands before the part. */
  readonly after?: string | undefined;
}

export interface List<T> {
  readonly entries: readonly T[];
  readonly hasMore: boolean;
}

/** A table whose rows have ids, and positions in the order of their making. */
interface Listed {
  readonly table: string;
  readonly id: string;
  readonly columns: string;
  /** Conditions, with parameters from $1 on. */
  readonly where?: string;
  readonly parameters?: readonly unknown[];
}

/** A part of a table in its order, by the id of what stands before it. @throws ApiError `not_found` for an id that is none */
export async function listRows<Row extends object>(
  queries: Queries,
  listed: Listed,
  { limit, order, after }: ListRequest,
): Promise<List<Row>> {
  const { table, columns, where = "true", parameters = [] } = listed;
  const start = after === undefined ? undefined : await positionOf(queries, listed, after);
  const [sign, direction] = order === "asc" ? [">", "ASC"] : ["<", "DESC"];
  const count = parameters.length;
  const rows = await queries.query<Row>(
    `SELECT ${columns} FROM ${table} WHERE ${where} AND ($${count + 1}::bigint IS NULL OR position ${sign} $${count + 1}::bigint)
     ORDER BY position ${direction} LIMIT $${count + 2}`,
    [...parameters, start ?? null, limit + 1],
  );
  return { entries: rows.slice(0, limit), hasMore: rows.length > limit };
}

async function positionOf(
  queries: Queries,
  { table, id: column, where = "true", parameters = [] }: Listed,
  id: string,
): Promise<number> {
  const [row] = await queries.query<{ position: number }>(
    `SELECT position FROM ${table} WHERE ${where} AND ${column} = $${parameters.length + 1}`,
    [...parameters, id],
  );
  if (row === undefined)
    throw new ApiError("not_found", `There is no ${JSON.stringify(id)} to list after.`, { param: "after" });
  return row.position;
}
