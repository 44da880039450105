import type { Queries } from "../../../platform/store/database.ts";
import type { SessionPlan } from "../agent.ts";
import type { ApprovalStatus } from "./draft.ts";
import type { SessionEvent } from "./event.ts";
import type { Item } from "./item.ts";
import type { Step } from "./step.ts";
import type { Call, Question, SessionState, Turn } from "./turn.ts";

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
  readonly createdAt: Date;
  readonly activeAt: Date;
}

export const sessionColumns = `session_id AS id, position, agent_id AS "agentId", plan, state, metadata,
  next_event AS "nextEvent", work, attempt, created_at AS "createdAt", active_at AS "activeAt"`;

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

/** What a change of a session writes. */
export interface SessionChange {
  readonly state: SessionState;
  readonly nextEvent: number;
  readonly work: number | null;
  readonly attempt: number;
  readonly dueAt: number | null;
  readonly events: readonly SessionEvent[];
  /** Each takes the place of what has its id. */
  readonly turns: readonly Turn[];
  readonly items: readonly Item[];
  readonly steps: readonly Step[];
}

/** In one statement, since the embedded database costs a trip to its thread for each. */
export async function writeChange(queries: Queries, id: string, change: SessionChange): Promise<void> {
  const { state, nextEvent, work, attempt, dueAt, events, turns, items, steps } = change;
  // Of an item that changed twice the later form counts.
  const latest = [...new Map(items.map((item) => [item.id, item])).values()];
  await queries.query(
    `WITH new_events AS (
       INSERT INTO agent_events (session_id, number, event)
       SELECT $1, $3 - json_array_length($7::json) + place - 1, entry
       FROM json_array_elements($7::json) WITH ORDINALITY AS list (entry, place)
     ), new_turns AS (
       INSERT INTO agent_turns (session_id, turn_id, turn)
       SELECT $1, entry ->> 'id', entry FROM json_array_elements($8::json) WITH ORDINALITY AS list (entry, place)
       ORDER BY place ON CONFLICT (session_id, turn_id) DO UPDATE SET turn = excluded.turn
     ), new_items AS (
       INSERT INTO agent_items (session_id, item_id, turn_id, item)
       SELECT $1, entry ->> 'id', entry ->> 'turnId', entry
       FROM json_array_elements($9::json) WITH ORDINALITY AS list (entry, place)
       ORDER BY place ON CONFLICT (session_id, item_id) DO UPDATE SET item = excluded.item
     ), new_steps AS (
       INSERT INTO agent_steps (session_id, step_id, turn_id, step)
       SELECT $1, entry ->> 'id', entry ->> 'turnId', entry
       FROM json_array_elements($10::json) WITH ORDINALITY AS list (entry, place) ORDER BY place
     )
     UPDATE agent_sessions SET state = $2::json, next_event = $3, work = $4, attempt = $5, due_at = $6,
       active_at = now() WHERE session_id = $1`,
    [
      id,
      JSON.stringify(state),
      nextEvent,
      work,
      attempt,
      dueAt === null ? null : new Date(dueAt),
      JSON.stringify(events),
      JSON.stringify(turns),
      JSON.stringify(latest),
      JSON.stringify(steps),
    ],
  );
}

export async function newWork(queries: Queries): Promise<number> {
  const [row] = await queries.query<{ work: number }>("SELECT nextval('agent_work') AS work");
  if (row === undefined) throw new Error("a sequence gave nothing");
  return Number(row.work);
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

export async function insertEvents(
  queries: Queries,
  id: string,
  first: number,
  events: readonly SessionEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await queries.query(
    `INSERT INTO agent_events (session_id, number, event)
     SELECT $1, $2 + place - 1, entry FROM json_array_elements($3::json) WITH ORDINALITY AS list (entry, place)`,
    [id, first, JSON.stringify(events)],
  );
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

export async function insertApproval(
  queries: Queries,
  id: string,
  turnId: string,
  call: Call,
  question: Question,
): Promise<void> {
  const { callId, tool, label, arguments: given, definition, effect } = call;
  await queries.query(
    `INSERT INTO agent_approvals (request_id, session_id, turn_id, call, status, expires_at)
     VALUES ($1, $2, $3, $4::json, 'pending', $5)`,
    [
      question.requestId,
      id,
      turnId,
      JSON.stringify({ callId, tool, label, arguments: given, definition, effect, reason: question.reason }),
      new Date(question.expiresAt),
    ],
  );
}

export async function settleApprovals(
  queries: Queries,
  answers: ReadonlyMap<string, ApprovalStatus>,
): Promise<void> {
  for (const [requestId, status] of answers)
    await queries.query(
      "UPDATE agent_approvals SET status = $2, decided_at = now() WHERE request_id = $1 AND status = 'pending'",
      [requestId, status],
    );
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
