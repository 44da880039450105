import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Queries } from "../../../platform/store/database.ts";
import type { OutputEvent } from "./output.ts";
import { insertItems, UNFINISHED } from "./response-table.ts";
import type { ResponseBody } from "./schema.ts";
import type { ResponseObject } from "./store.ts";

/** The SQL of responses that are made in the background. An attempt that another has taken over changes nothing. */

/** A response that an attempt is about to make. */
export interface BackgroundJob {
  readonly response: ResponseObject & { readonly created_at: number };
  readonly request: ResponseBody;
}

/** Begins an attempt. @returns undefined where the response is made, cancelled or deleted */
export async function beginAttempt(
  queries: Queries,
  { position, attempt }: Claim,
): Promise<BackgroundJob | undefined> {
  const [row] = await queries.query<BackgroundJob>(
    `UPDATE responses SET status = 'in_progress', attempt = $2
     WHERE position = $1 AND ${UNFINISHED} RETURNING response, request`,
    [position, attempt],
  );
  return row;
}

/** Adds events for followers. @returns whether the attempt is still the one that makes the response */
export async function addEvents(
  queries: Queries,
  id: string,
  attempt: number,
  events: readonly OutputEvent[],
): Promise<boolean> {
  const last = events.at(-1);
  if (last === undefined) return true;
  const rows = await queries.query(
    `INSERT INTO response_events (response_id, last_number, events)
     SELECT response_id, $3, $4::json FROM responses
     WHERE response_id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING last_number`,
    [id, attempt, last["sequence_number"], JSON.stringify(events)],
  );
  return rows.length > 0;
}

/** Keeps what an attempt made. @returns false where it is no longer the one that makes the response */
export async function settle(queries: Queries, attempt: number, response: ResponseObject): Promise<boolean> {
  const rows = await queries.query(
    `UPDATE responses SET status = $3, response = $4::json, request = NULL, used_at = now()
     WHERE response_id = $1 AND attempt = $2 AND status = 'in_progress' RETURNING response_id`,
    [response.id, attempt, response.status, JSON.stringify(response)],
  );
  if (rows.length === 0) return false;
  await insertItems(queries, response);
  return true;
}

/** @returns the response as it is then, and whether this is what ended it; undefined where there is none */
export async function cancelResponse(
  queries: Queries,
  id: string,
): Promise<{ readonly response: ResponseObject; readonly isNew: boolean } | undefined> {
  const [row] = await queries.query<{ response: ResponseObject; isUnfinished: boolean }>(
    `SELECT response, ${UNFINISHED} AS "isUnfinished" FROM responses
     WHERE response_id = $1 FOR UPDATE`,
    [id],
  );
  if (row === undefined) return undefined;
  if (!row.isUnfinished) return { response: row.response, isNew: false };
  const response = { ...row.response, status: "cancelled" };
  await queries.query(
    "UPDATE responses SET status = 'cancelled', response = $2::json, request = NULL WHERE response_id = $1",
    [id, JSON.stringify(response)],
  );
  return { response, isNew: true };
}

/** Numbers of the responses that are yet to be made. */
export async function unfinished(queries: Queries): Promise<number[]> {
  const rows = await queries.query<{ position: number }>(
    `SELECT position FROM responses WHERE ${UNFINISHED} ORDER BY position`,
  );
  return rows.map(({ position }) => position);
}

/** Events after number `after`, the oldest first, and whether more can come. */
export async function eventsAfter(
  queries: Queries,
  id: string,
  after: number,
): Promise<{ readonly events: readonly OutputEvent[]; readonly isOver: boolean } | undefined> {
  const [row] = await queries.query<{
    isUnfinished: boolean;
    rows: ReadonlyArray<readonly OutputEvent[]> | null;
  }>(
    `SELECT ${UNFINISHED} AS "isUnfinished", (SELECT json_agg(events ORDER BY last_number) FROM response_events
       WHERE response_id = $1 AND last_number > $2) AS rows
     FROM responses WHERE response_id = $1`,
    [id, after],
  );
  if (row === undefined) return undefined;
  const events = (row.rows ?? []).flat().filter((event) => Number(event["sequence_number"]) > after);
  return { events, isOver: !row.isUnfinished };
}
