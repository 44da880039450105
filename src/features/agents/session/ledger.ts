import { wallMs } from "../../../platform/clock.ts";
import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import { Draft } from "./draft.ts";
import type { SessionEvent } from "./event.ts";
import { dueAt, needsWork } from "./planner.ts";
import {
  eventsFrom,
  insertApproval,
  insertEvents,
  lockSession,
  lockWork,
  newWork,
  type SessionRow,
  settleApprovals,
  writeChange,
} from "./tables.ts";
import type { Told } from "./turns.ts";

/** Another attempt works on the session now, or it was cancelled or deleted. */
export class WorkOver extends Error {
  constructor() {
    super("the session is worked on elsewhere, or no longer");
  }
}

/** Events of one step that are looked through for what it left open. */
const MAX_TOLD = 100_000;

export interface LedgerOptions {
  readonly store: Store;
  /** Milliseconds of the monotonic clock. */
  readonly clock: () => number;
  readonly newId: (prefix: string) => string;
  /** Writes down, in the transaction of a change, what others are to be told of it. */
  readonly notify: (queries: Queries, id: string, event: SessionEvent) => Promise<void>;
  /** Told of every session that changed, and whether there is work on it that no process has taken yet. */
  readonly onChange: (id: string, hasNewWork: boolean) => void;
}

/** What a change may look at besides the state. */
export interface ChangeContext {
  readonly queries: Queries;
  /** What the step that runs, or ran, has told of already. */
  readonly told: () => Promise<Told>;
}

type Change = (draft: Draft, context: ChangeContext) => Promise<void> | void;

/**
 * Writes changes of sessions, each in one transaction: the state, what followers are told of it, what was said, and
 * whether there is work. Events have numbers without gaps, since the session's row is held meanwhile.
 */
export class SessionLedger {
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** A change from outside. @returns the session after it; undefined where there is none */
  async change(id: string, change: Change): Promise<SessionRow | undefined> {
    const database = await this.#options.store.database();
    const changed = await database.transaction(async (queries) => {
      const row = await lockSession(queries, id);
      return row && { row: await this.apply(queries, row, change), hadWork: row.work };
    });
    if (changed === undefined) return undefined;
    this.#tell(changed.row, changed.hadWork);
    return changed.row;
  }

  /** A change by the process that works on the session. @throws WorkOver where it no longer does */
  async work(claim: Claim, change: Change): Promise<SessionRow> {
    const database = await this.#options.store.database();
    const row = await database.transaction(async (queries) => {
      const held = await lockWork(queries, claim.position);
      if (held === undefined || held.attempt !== claim.attempt) throw new WorkOver();
      return this.apply(queries, held, change);
    });
    this.#tell(row, claim.position);
    return row;
  }

  /** Adds what a step tells as it runs. @throws WorkOver */
  async tell(claim: Claim, id: string, events: readonly SessionEvent[]): Promise<void> {
    const database = await this.#options.store.database();
    await database.transaction(async (queries) => {
      const [row] = await queries.query<{ first: number }>(
        `UPDATE agent_sessions SET next_event = next_event + $3
         WHERE work = $1 AND attempt = $2 RETURNING next_event - $3 AS first`,
        [claim.position, claim.attempt, events.length],
      );
      if (row === undefined) throw new WorkOver();
      await insertEvents(queries, id, row.first, events);
    });
    this.#options.onChange(id, false);
  }

  /** Begins an attempt at a session's work. @returns undefined where there is none any more */
  async begin(queries: Queries, claim: Claim, change: Change): Promise<SessionRow | undefined> {
    const row = await lockWork(queries, claim.position);
    if (row === undefined) return undefined;
    return this.apply(queries, { ...row, attempt: claim.attempt }, change);
  }

  /** Within a transaction that holds the session's row. */
  async apply(queries: Queries, row: SessionRow, change: Change): Promise<SessionRow> {
    const { clock, newId, notify } = this.#options;
    const { id, plan, state: before, nextEvent } = row;
    const at = Math.round(wallMs(clock()));
    const draft = new Draft({ plan, state: before, at, newId, nextEvent });
    await change(draft, { queries, told: () => toldOf(queries, row) });
    draft.close();
    const { state, events } = draft;
    for (const event of events) await notify(queries, id, event);
    await settleApprovals(queries, draft.answers);
    const known = new Set((before.active?.calls ?? []).map(({ question }) => question?.requestId));
    for (const call of state.active?.calls ?? [])
      if (call.question !== undefined && !known.has(call.question.requestId))
        await insertApproval(queries, id, draft.active.turn.id, call, call.question);
    const work = needsWork(state) ? (row.work ?? (await newWork(queries))) : null;
    const next = { state, nextEvent: nextEvent + events.length, work, attempt: row.attempt };
    await writeChange(queries, id, {
      ...next,
      dueAt: dueAt(state),
      events,
      turns: [...draft.turns.values()],
      items: draft.items,
      steps: draft.steps,
    });
    return { ...row, ...next };
  }

  #tell({ id, work }: SessionRow, hadWork: number | null): void {
    this.#options.onChange(id, work !== null && work !== hadWork);
  }
}

async function toldOf(queries: Queries, { id, state }: SessionRow): Promise<Told> {
  const active = state.active;
  if (active === null) return { open: [], nextIndex: 0 };
  const open = new Map<string, Told["open"][number]>();
  let { nextIndex } = active;
  for (const { event } of await eventsFrom(queries, id, active.toldFrom, MAX_TOLD)) {
    if (event.type !== "item" || event.outputIndex === null) continue;
    nextIndex = Math.max(nextIndex, event.outputIndex + 1);
    if (event.change === "added")
      open.set(event.item.id, { item: event.item, outputIndex: event.outputIndex });
    else open.delete(event.item.id);
  }
  return { open: [...open.values()], nextIndex };
}
