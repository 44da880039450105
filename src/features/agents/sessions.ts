import { ApiError, InvalidRequestError } from "../../errors.ts";
import { digestOf } from "../../platform/digest.ts";
import type { Changes } from "../../platform/jobs/changes.ts";
import type { Queries, Store } from "../../platform/store/database.ts";
import type { SessionPlan } from "./agent.ts";
import { type List, type ListRequest, listRows } from "./pages.ts";
import { type Decision, decide, takeResult } from "./session/calls.ts";
import type { CallInQuestion } from "./session/change.ts";
import type { Item, Outcome } from "./session/item.ts";
import type { SessionLedger } from "./session/ledger.ts";
import type { Step } from "./session/step.ts";
import {
  deleteSession,
  eventsFrom,
  findSession,
  hasResult,
  insertSession,
  type Metadata,
  type NumberedEvent,
  type SessionRow,
  sessionColumns,
  takeKey,
  updateMetadata,
} from "./session/tables.ts";
import { newState, statusOf, type Turn } from "./session/turn.ts";
import { cancel, takeMessage } from "./session/turns.ts";
import { readOutput } from "./tools/output.ts";

/** How often events that other servers write are looked for. */
const POLL_MS = 1_000;
/** Events that are read at once. */
const CHUNK = 500;

/** What a client puts into a session. */
export type Input =
  | { readonly type: "message"; readonly messages: readonly string[] }
  | { readonly type: "cancel" }
  | { readonly type: "result"; readonly callId: string; readonly outcome: Outcome }
  | {
      readonly type: "decision";
      readonly requestId: string;
      readonly decision: Decision;
      /** Let the same tool run in this session from now on. */
      readonly remember: boolean;
    };

/** A question whether a call may run, in the one list of them. */
export interface ApprovalRow {
  readonly requestId: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly call: CallInQuestion;
  readonly status: string;
  readonly askedAt: Date;
  readonly expiresAt: Date;
  readonly decidedAt: Date | null;
}

const approvalColumns = `request_id AS "requestId", session_id AS "sessionId", turn_id AS "turnId", call, status,
  asked_at AS "askedAt", expires_at AS "expiresAt", decided_at AS "decidedAt"`;

export interface SessionsOptions {
  readonly store: Store;
  readonly ledger: SessionLedger;
  readonly changes: Changes;
  readonly newId: (prefix: string) => string;
  /** Has what runs of a session ended. */
  readonly interrupt: (id: string) => void;
  /** Whether sessions outlive the process, without which there are none. */
  readonly isKept: boolean;
}

/** Sessions of agents: what clients put in, and what they can read of them. */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  async create(plan: SessionPlan, metadata: Metadata, messages: readonly string[]): Promise<SessionRow> {
    const { store, newId, isKept } = this.#options;
    if (!isKept)
      throw new ApiError("not_implemented", "Agents need RESPONSES_RETENTION_DAYS to be more than 0.");
    const id = newId("asess_");
    const database = await store.database();
    await database.transaction((queries) => insertSession(queries, { id, plan, state: newState, metadata }));
    return this.#change(id, (draft) => {
      draft.events.push({ type: "created", at: draft.at });
      if (messages.length > 0) takeMessage(draft, messages);
    });
  }

  /** A new session that goes on from an item of this one, whose beginning the KV cache may still hold. */
  async fork(id: string, afterItem: string | undefined): Promise<SessionRow> {
    const { store, newId } = this.#options;
    const { plan, metadata } = await this.get(id);
    const forkId = newId("asess_");
    const database = await store.database();
    await database.transaction(async (queries) => {
      await insertSession(queries, { id: forkId, plan, state: newState, metadata });
      await copyItems(queries, id, forkId, afterItem);
    });
    return this.#change(forkId, (draft) => {
      draft.events.push({ type: "created", at: draft.at });
    });
  }

  async get(id: string): Promise<SessionRow> {
    const row = await findSession(await this.#options.store.database(), id);
    return row ?? notFound(id);
  }

  async setMetadata(id: string, metadata: Metadata): Promise<SessionRow> {
    const row = await updateMetadata(await this.#options.store.database(), id, metadata);
    return row ?? notFound(id);
  }

  async delete(id: string): Promise<void> {
    const wasThere = await deleteSession(await this.#options.store.database(), id);
    if (!wasThere) notFound(id);
    this.#options.interrupt(id);
    this.#options.changes.changed(id);
  }

  /** Takes all of the inputs or none. A key that was used with the same inputs changes nothing more. */
  async put(id: string, inputs: readonly Input[], key: string | undefined): Promise<void> {
    let isCancelled = false;
    await this.#change(id, async (draft, { queries, told }) => {
      isCancelled = false;
      if (key !== undefined) {
        const isNew = await takeKey(queries, id, key, digestOf(inputs));
        if (isNew === undefined) return;
        if (!isNew)
          throw new ApiError("conflict", "Idempotency-Key was used with other events.", {
            param: "Idempotency-Key",
          });
      }
      for (const input of inputs) {
        switch (input.type) {
          case "message":
            takeMessage(draft, input.messages);
            break;
          case "cancel":
            cancel(draft, await told());
            isCancelled = true;
            break;
          case "result":
            if (
              !takeResult(draft, input.callId, input.outcome) &&
              !(await hasResult(queries, id, input.callId))
            )
              throw new InvalidRequestError(`Unknown pending tool call: ${input.callId}`, {
                param: "call_id",
              });
            break;
          case "decision":
            decide(draft, input.requestId, input.decision, input.remember);
            break;
        }
      }
    });
    if (isCancelled) this.#options.interrupt(id);
  }

  /** Events from number `from` on, those to come too, until `signal` or until the session is deleted. */
  async *follow(id: string, from: number, signal: AbortSignal): AsyncIterable<NumberedEvent> {
    const { store, changes } = this.#options;
    await this.get(id);
    for (let next = from; !signal.aborted; ) {
      const change = changes.next(id, POLL_MS, signal);
      const database = await store.database();
      const events = await eventsFrom(database, id, next, CHUNK);
      for (const event of events) {
        yield event;
        next = event.number + 1;
      }
      if (events.length === CHUNK) continue;
      if (events.length === 0 && (await findSession(database, id)) === undefined) return;
      await change;
    }
  }

  /** Until the session rests, whoever it waits for. */
  async rest(id: string, signal: AbortSignal): Promise<void> {
    const { nextEvent, state } = await this.get(id);
    if (statusOf(state) !== "in_progress") return;
    for await (const { event } of this.follow(id, nextEvent, signal))
      if (event.type === "status" && event.status !== "in_progress") return;
  }

  async list(agentId: string | undefined, request: ListRequest): Promise<List<SessionRow>> {
    return listRows<SessionRow>(
      await this.#options.store.database(),
      {
        table: "agent_sessions",
        id: "session_id",
        columns: sessionColumns,
        where: "($1::text IS NULL OR agent_id = $1)",
        parameters: [agentId ?? null],
      },
      request,
    );
  }

  async items(id: string, turnId: string | undefined, request: ListRequest): Promise<List<Item>> {
    await this.get(id);
    const { entries, hasMore } = await listRows<{ item: Item }>(
      await this.#options.store.database(),
      {
        table: "agent_items",
        id: "item_id",
        columns: "item",
        where: "session_id = $1 AND ($2::text IS NULL OR turn_id = $2)",
        parameters: [id, turnId ?? null],
      },
      request,
    );
    return { entries: entries.map(({ item }) => item), hasMore };
  }

  async turns(id: string, request: ListRequest): Promise<List<Turn>> {
    await this.get(id);
    const { entries, hasMore } = await listRows<{ turn: Turn }>(
      await this.#options.store.database(),
      {
        table: "agent_turns",
        id: "turn_id",
        columns: "turn",
        where: "session_id = $1",
        parameters: [id],
      },
      request,
    );
    return { entries: entries.map(({ turn }) => turn), hasMore };
  }

  async steps(id: string, turnId: string, request: ListRequest): Promise<List<Step>> {
    await this.turn(id, turnId);
    const { entries, hasMore } = await listRows<{ step: Step }>(
      await this.#options.store.database(),
      {
        table: "agent_steps",
        id: "step_id",
        columns: "step",
        where: "session_id = $1 AND turn_id = $2",
        parameters: [id, turnId],
      },
      request,
    );
    return { entries: entries.map(({ step }) => step), hasMore };
  }

  async turn(id: string, turnId: string): Promise<Turn> {
    const database = await this.#options.store.database();
    const [row] = await database.query<{ turn: Turn }>(
      "SELECT turn FROM agent_turns WHERE session_id = $1 AND turn_id = $2",
      [id, turnId],
    );
    if (row !== undefined) return row.turn;
    throw new ApiError("not_found", `There is no turn ${JSON.stringify(turnId)} of this session.`, {
      param: "turn_id",
    });
  }

  /** A part of an output that was too long for the model. */
  async output(id: string, callId: string, place: { readonly offset: number; readonly limit: number }) {
    const found = await readOutput(await this.#options.store.database(), id, callId, place);
    if (found !== undefined) return found;
    throw new ApiError("not_found", `No output of ${JSON.stringify(callId)} was too long for the model.`, {
      param: "call_id",
    });
  }

  /** Questions of all sessions. */
  async approvals(status: string | undefined, request: ListRequest): Promise<List<ApprovalRow>> {
    return listRows<ApprovalRow>(
      await this.#options.store.database(),
      {
        table: "agent_approvals",
        id: "request_id",
        columns: approvalColumns,
        where: "($1::text IS NULL OR status = $1)",
        parameters: [status ?? null],
      },
      request,
    );
  }

  /** Decides a question, whichever session it is of. @returns it as it is then */
  async decide(requestId: string, decision: Decision, remember: boolean): Promise<ApprovalRow> {
    const { sessionId } = await this.#approval(requestId);
    await this.put(sessionId, [{ type: "decision", requestId, decision, remember }], undefined);
    return this.#approval(requestId);
  }

  async #approval(requestId: string): Promise<ApprovalRow> {
    const database = await this.#options.store.database();
    const [row] = await database.query<ApprovalRow>(
      `SELECT ${approvalColumns} FROM agent_approvals WHERE request_id = $1`,
      [requestId],
    );
    if (row !== undefined) return row;
    throw new ApiError("not_found", `There is no question ${JSON.stringify(requestId)}.`, {
      param: "request_id",
    });
  }

  async #change(id: string, change: Parameters<SessionLedger["change"]>[1]): Promise<SessionRow> {
    return (await this.#options.ledger.change(id, change)) ?? notFound(id);
  }
}

async function copyItems(
  queries: Queries,
  from: string,
  to: string,
  last: string | undefined,
): Promise<void> {
  const rows = await queries.query(
    // Calls that have no outcome by then were never made.
    `WITH past AS (
       SELECT position, item_id, turn_id, item FROM agent_items WHERE session_id = $1 AND ($3::text IS NULL OR
         position <= (SELECT position FROM agent_items WHERE session_id = $1 AND item_id = $3))
     )
     INSERT INTO agent_items (session_id, item_id, turn_id, item)
     SELECT $2, item_id, turn_id, item FROM past
     WHERE item ->> 'status' <> 'in_progress'
     ORDER BY position RETURNING item_id`,
    [from, to, last ?? null],
  );
  if (last !== undefined && rows.length === 0)
    throw new ApiError("not_found", `There is no item ${JSON.stringify(last)} of this session.`, {
      param: "after_item_id",
    });
  // The outputs that copied items tell the model to read on in.
  await queries.query(
    `INSERT INTO agent_outputs (session_id, call_id, output)
     SELECT $2, call_id, output FROM agent_outputs
     WHERE session_id = $1 AND call_id IN (SELECT item ->> 'callId' FROM agent_items WHERE session_id = $2)`,
    [from, to],
  );
}

function notFound(id: string): never {
  throw new ApiError("not_found", `There is no agent session ${JSON.stringify(id)}.`, {
    param: "session_id",
  });
}
