import type { Queries } from "../../../platform/store/database.ts";
import { itemList, itemParameters } from "../item-list.ts";
import type { ResponseObject, StoredResponse } from "./store.ts";

/** The SQL of responses; who may do what when is for those who call it. */

/** Whether a response is yet to be made. */
export const UNFINISHED = "(status IN ('queued', 'in_progress'))";

const columns = `response, status, input, previous_id AS "previousId"`;

interface Row {
  readonly status: string;
  readonly response: ResponseObject;
  readonly input: readonly object[];
  readonly previousId: string | null;
}

export async function findResponse(queries: Queries, id: string): Promise<StoredResponse | undefined> {
  const [row] = await queries.query<Row>(`SELECT ${columns} FROM responses WHERE response_id = $1`, [id]);
  if (row === undefined) return undefined;
  const { response, status, input, previousId } = row;
  return { response: { ...response, status }, input, previousId: previousId ?? undefined };
}

export async function findItem(queries: Queries, id: string): Promise<object | undefined> {
  const [row] = await queries.query<{ item: object }>("SELECT item FROM response_items WHERE item_id = $1", [
    id,
  ]);
  return row?.item;
}

/** Adds a response, and the request it is to be made from where that is yet to be done. @returns its number */
export async function insertResponse(
  queries: Queries,
  { response, input, previousId }: StoredResponse,
  request?: object,
): Promise<number> {
  const [row] = await queries.query<{ position: number }>(
    `INSERT INTO responses (response_id, status, previous_id, response, input, request)
     VALUES ($1, $2, $3, $4::json, $5::json, $6::json) RETURNING position`,
    [
      response.id,
      response.status,
      previousId ?? null,
      JSON.stringify(response),
      JSON.stringify(input),
      request === undefined ? null : JSON.stringify(request),
    ],
  );
  if (row === undefined) throw new Error("an insert returned nothing");
  await insertItems(queries, response);
  if (previousId !== undefined) await touchChain(queries, previousId);
  return row.position;
}

/** Output items can be named by later input. */
export async function insertItems(queries: Queries, { id, output }: ResponseObject): Promise<void> {
  if (output.length === 0) return;
  await queries.query(
    `INSERT INTO response_items (item_id, response_id, item)
     SELECT item_id, $1, item FROM ${itemList(2)} ON CONFLICT DO NOTHING`,
    [id, ...itemParameters(output)],
  );
}

/** What is continued is in use, and with it everything that it continues. */
async function touchChain(queries: Queries, id: string): Promise<void> {
  await queries.query(
    `WITH RECURSIVE chain AS (
       SELECT response_id, previous_id FROM responses WHERE response_id = $1
       UNION SELECT earlier.response_id, earlier.previous_id
         FROM responses AS earlier JOIN chain ON earlier.response_id = chain.previous_id
     )
     UPDATE responses SET used_at = now()
     WHERE used_at < now() - interval '1 day' AND response_id IN (SELECT response_id FROM chain)`,
    [id],
  );
}

/** @returns whether there was one */
export async function deleteResponse(queries: Queries, id: string): Promise<boolean> {
  const rows = await queries.query("DELETE FROM responses WHERE response_id = $1 RETURNING response_id", [
    id,
  ]);
  return rows.length > 0;
}

/** Deletes finished responses that were not used for `days`. */
export async function deleteUnused(queries: Queries, days: number): Promise<void> {
  await queries.query(
    `DELETE FROM responses WHERE used_at < now() - make_interval(days => $1) AND NOT ${UNFINISHED}`,
    [days],
  );
}
