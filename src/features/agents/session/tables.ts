import type { Queries } from "../../../platform/store/database.ts";
import type { SessionPlan } from "../agent.ts";
import type { SessionEvent } from "./event.ts";
import type { Item } from "./item.ts";
import type { SessionState } from "./turn.ts";

/** The SQL of sessions; what may change when is for those who call it. */

export type Metadata = Readonly<Record<string, string>>;

export interface SessionRow {
  readonly id: string;
  readonly position: number;
  readonly agentId: string;
  readonly plan: SessionPlan;
  readonly state: SessionState;
  readonly metadata: Metadata;
  readonly nextEvent: number;
  readonly work: number | null;
  readonly attempt: number;
  /** Counts its changes. */
  readonly version: number;
  readonly createdAt: Date;
  readonly activeAt: Date;
}

export const sessionColumns = `session_id AS id, position, agent_id AS "agentId", plan, state, metadata,
  next_event AS "nextEvent", work, attempt, version, created_at AS "createdAt", active_at AS "activeAt"`;

export interface NumberedEvent {
  readonly number: number;
  readonly event: SessionEvent;
}

export async function insertSession(
  queries: Queries,
  session: Pick<SessionRow, "id" | "plan" | "state" | "metadata">,
): Promise<SessionRow> {
  const { id, plan, state, metadata } = session;
  const [row] = await queries.query<SessionRow>(
    `INSERT INTO agent_sessions (session_id, agent_id, plan, state, metadata)
     VALUES ($1, $2, $3::json, $4::json, $5::jsonb) RETURNING ${sessionColumns}`,
    [id, plan.agent.id, JSON.stringify(plan), JSON.stringify(state), JSON.stringify(metadata)],
  );
  if (row === undefined) throw new Error("an insert returned nothing");
  return row;
}

export async function findSession(queries: Queries, id: string): Promise<SessionRow | undefined> {
  const [row] = await queries.query<SessionRow>(
    `SELECT ${sessionColumns} FROM agent_sessions WHERE session_id = $1`,
    [id],
  );
  return row;
}

/** Holds it against other changes until the transaction ends. */
export async function lockSession(queries: Queries, id: string): Promise<SessionRow | undefined> {
  const [row] = await queries.query<SessionRow>(
    `SELECT ${sessionColumns} FROM agent_sessions WHERE session_id = $1 FOR UPDATE`,
    [id],
  );
  return row;
}

/** The session that a job works on, held as `lockSession` does. */
export async function lockWork(queries: Queries, work: number): Promise<SessionRow | undefined> {
  const [row] = await queries.query<SessionRow>(
    `SELECT ${sessionColumns} FROM agent_sessions WHERE work = $1 FOR UPDATE`,
    [work],
  );
  return row;
}

/** Gives sessions whose questions have expired work, and lists all work that there is. */
export async function dueWork(queries: Queries): Promise<number[]> {
  await queries.query(
    "UPDATE agent_sessions SET work = nextval('agent_work') WHERE due_at <= now() AND work IS NULL",
  );
  const rows = await queries.query<{ work: number }>(
    "SELECT work FROM agent_sessions WHERE work IS NOT NULL ORDER BY work",
  );
  return rows.map(({ work }) => Number(work));
}

/** From number `from` on, at most `limit` of them. */
export function eventsFrom(
  queries: Queries,
  id: string,
  from: number,
  limit: number,
): Promise<NumberedEvent[]> {
  return queries.query<NumberedEvent>(
    "SELECT number, event FROM agent_events WHERE session_id = $1 AND number >= $2 ORDER BY number LIMIT $3",
    [id, from, limit],
  );
}

/** All of a session, the oldest first. */
export async function allItems(queries: Queries, id: string): Promise<Item[]> {
  const rows = await queries.query<{ item: Item }>(
    "SELECT item FROM agent_items WHERE session_id = $1 ORDER BY position",
    [id],
  );
  return rows.map(({ item }) => item);
}

export async function hasResult(queries: Queries, id: string, callId: string): Promise<boolean> {
  const rows = await queries.query(
    `SELECT 1 FROM agent_items WHERE session_id = $1 AND item ->> 'type' = 'function_call_output'
       AND item ->> 'callId' = $2`,
    [id, callId],
  );
  return rows.length > 0;
}

/** @returns false where the key was used with another body; undefined where it was used with this one */
export async function takeKey(
  queries: Queries,
  id: string,
  key: string,
  digest: string,
): Promise<boolean | undefined> {
  const [known] = await queries.query<{ digest: string }>(
    `SELECT body_digest AS digest FROM agent_inputs WHERE session_id = $1 AND idempotency_key = $2`,
    [id, key],
  );
  if (known !== undefined) return known.digest === digest ? undefined : false;
  await queries.query(
    "INSERT INTO agent_inputs (session_id, idempotency_key, body_digest) VALUES ($1, $2, $3)",
    [id, key, digest],
  );
  return true;
}

export async function updateMetadata(
  queries: Queries,
  id: string,
  metadata: Metadata,
): Promise<SessionRow | undefined> {
  const [row] = await queries.query<SessionRow>(
    `UPDATE agent_sessions SET metadata = $2::jsonb WHERE session_id = $1 RETURNING ${sessionColumns}`,
    [id, JSON.stringify(metadata)],
  );
  return row;
}

/** Deletes a session and all that is kept of it. @returns whether there was one */
export async function deleteSession(queries: Queries, id: string): Promise<boolean> {
  const rows = await queries.query("DELETE FROM agent_sessions WHERE session_id = $1 RETURNING session_id", [
    id,
  ]);
  return rows.length > 0;
}

/** Deletes sessions that rest and were not used for `days`. */
export async function deleteUnusedSessions(queries: Queries, days: number): Promise<void> {
  await queries.query(
    `DELETE FROM agent_sessions WHERE active_at < now() - make_interval(days => $1)
       AND work IS NULL AND due_at IS NULL`,
    [days],
  );
}
