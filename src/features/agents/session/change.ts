import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Queries } from "../../../platform/store/database.ts";
import type { SessionEvent } from "./event.ts";
import type { Item } from "./item.ts";
import type { Step } from "./step.ts";
import type { SessionRow } from "./tables.ts";
import type { Call, Question, SessionState, Turn } from "./turn.ts";

export type ApprovalStatus = "approved" | "denied" | "expired" | "dropped";

/** What a change of a session writes. */
export interface SessionChange {
  readonly state: SessionState;
  readonly nextEvent: number;
  /** Whether there is work on it. */
  readonly needsWork: boolean;
  readonly attempt: number;
  readonly dueAt: number | null;
  readonly events: readonly SessionEvent[];
  /** Each takes the place of what has its id. */
  readonly turns: readonly Turn[];
  readonly items: readonly Item[];
  readonly steps: readonly Step[];
  /** Outputs that are kept whole. */
  readonly outputs: readonly KeptOutput[];
  /** Questions that are new. */
  readonly asked: readonly AskedQuestion[];
  readonly answers: ReadonlyMap<string, ApprovalStatus>;
}

/** A question whether a call may run, in the one list of them. */
export interface AskedQuestion {
  readonly requestId: string;
  readonly turnId: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly call: CallInQuestion;
}

/** What a decision is bound to, and why it is asked for. */
export interface CallInQuestion
  extends Pick<Call, "callId" | "tool" | "arguments" | "definition" | "effect"> {
  readonly label: string | undefined;
  readonly reason: Question["reason"];
}

/** An output that was too long for the model. */
export interface KeptOutput {
  readonly callId: string;
  readonly output: string;
}

/**
 * In one statement, which is a transaction of its own and one trip to the embedded database's thread.
 * @returns undefined where the session is no longer of the version that the change was made of; nothing is written then
 */
export async function writeChange(
  queries: Queries,
  { id, version }: Pick<SessionRow, "id" | "version">,
  change: SessionChange,
): Promise<Pick<SessionRow, "work" | "version"> | undefined> {
  const { state, nextEvent, needsWork, attempt, dueAt } = change;
  const parameters: unknown[] = [id, version, JSON.stringify(state), nextEvent, needsWork, attempt];
  parameters.push(dueAt === null ? null : new Date(dueAt));
  const writes = rowsOf(change).map(({ rows, sql }, index) => {
    parameters.push(JSON.stringify(rows));
    const list = `json_array_elements($${parameters.length}::json) WITH ORDINALITY AS list (entry, place)`;
    return `, write_${index} AS (${sql(`held CROSS JOIN ${list}`)})`;
  });
  const [row] = await queries.query<Pick<SessionRow, "work" | "version">>(
    `WITH held AS (
       UPDATE agent_sessions SET state = $3::json, next_event = $4, attempt = $6, due_at = $7, active_at = now(),
         work = CASE WHEN $5::boolean THEN coalesce(work, nextval('agent_work')) END, version = version + 1
       WHERE session_id = $1 AND version = $2 RETURNING session_id, next_event, work, version
     )${writes.join("")}
     SELECT work, version FROM held`,
    parameters,
  );
  return row;
}

interface Rows {
  readonly rows: readonly object[];
  /** Writes them; `source` has the session as `session_id` and each row as `entry`, at its `place`. */
  readonly sql: (source: string) => string;
}

/** The rows of other tables that a change writes, where there are any. */
function rowsOf({ events, turns, items, steps, outputs, asked, answers }: SessionChange): Rows[] {
  const all: Rows[] = [
    {
      rows: events,
      sql: (source) => `INSERT INTO agent_events (session_id, number, event)
        SELECT session_id, next_event - ${events.length} + place - 1, entry FROM ${source}`,
    },
    {
      rows: turns,
      sql: (source) => `INSERT INTO agent_turns (session_id, turn_id, turn)
        SELECT session_id, entry ->> 'id', entry FROM ${source}
        ORDER BY place ON CONFLICT (session_id, turn_id) DO UPDATE SET turn = excluded.turn`,
    },
    {
      // Of an item that changed twice the later form counts.
      rows: [...new Map(items.map((item) => [item.id, item])).values()],
      sql: (source) => `INSERT INTO agent_items (session_id, item_id, turn_id, item)
        SELECT session_id, entry ->> 'id', entry ->> 'turnId', entry FROM ${source}
        ORDER BY place ON CONFLICT (session_id, item_id) DO UPDATE SET item = excluded.item`,
    },
    {
      rows: steps,
      sql: (source) => `INSERT INTO agent_steps (session_id, step_id, turn_id, step)
        SELECT session_id, entry ->> 'id', entry ->> 'turnId', entry FROM ${source} ORDER BY place`,
    },
    {
      rows: outputs,
      sql: (source) => `INSERT INTO agent_outputs (session_id, call_id, output)
        SELECT session_id, entry ->> 'callId', entry ->> 'output' FROM ${source}
        ON CONFLICT (session_id, call_id) DO UPDATE SET output = excluded.output`,
    },
    {
      rows: asked,
      sql: (
        source,
      ) => `INSERT INTO agent_approvals (request_id, session_id, turn_id, call, status, expires_at)
        SELECT entry ->> 'requestId', session_id, entry ->> 'turnId', entry -> 'call', 'pending',
          (entry ->> 'expiresAt')::timestamptz FROM ${source} ORDER BY place`,
    },
    {
      rows: [...answers].map(([requestId, status]) => ({ requestId, status })),
      sql: (
        source,
      ) => `UPDATE agent_approvals SET status = entry ->> 'status', decided_at = now() FROM ${source}
        WHERE request_id = entry ->> 'requestId' AND agent_approvals.status = 'pending'`,
    },
  ];
  return all.filter(({ rows }) => rows.length > 0);
}

/** Adds events to a session that a job works on. @returns undefined where it no longer does */
export async function addEvents(
  queries: Queries,
  { position, attempt }: Claim,
  events: readonly SessionEvent[],
): Promise<Pick<SessionRow, "nextEvent" | "version"> | undefined> {
  const [row] = await queries.query<Pick<SessionRow, "nextEvent" | "version">>(
    `WITH held AS (
       UPDATE agent_sessions SET next_event = next_event + $3, version = version + 1
       WHERE work = $1 AND attempt = $2 RETURNING session_id, next_event, version
     ), new_events AS (
       INSERT INTO agent_events (session_id, number, event)
       SELECT session_id, next_event - $3 + place - 1, entry
       FROM held CROSS JOIN json_array_elements($4::json) WITH ORDINALITY AS list (entry, place)
     )
     SELECT next_event AS "nextEvent", version FROM held`,
    [position, attempt, events.length, JSON.stringify(events)],
  );
  return row;
}
