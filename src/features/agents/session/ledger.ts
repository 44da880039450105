import { wallMs } from "../../../platform/clock.ts";
import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import { type AskedQuestion, addEvents, writeChange } from "./change.ts";
import { Draft } from "./draft.ts";
import type { SessionEvent } from "./event.ts";
import { dueAt, needsWork } from "./planner.ts";
import { eventsFrom, lockSession, lockWork, type SessionRow } from "./tables.ts";
import type { Told } from "./turns.ts";

/** Another attempt works on the session now, or it was cancelled or deleted. */
export class WorkOver extends Error {
  constructor() {
    super("the session is worked on elsewhere, or no longer");
  }
}

/** Events of one step that are looked through for what it left open. */
const MAX_TOLD = 100_000;

/** Writes down, in the transaction of a change, what others are to be told of it. */
export type Notice = (queries: Queries) => Promise<void>;

export interface LedgerOptions {
  readonly store: Store;
  /** Milliseconds of the monotonic clock. */
  readonly clock: () => number;
  readonly newId: (prefix: string) => string;
  /** Undefined where others are told nothing of an event. */
  readonly noticeOf: (id: string, event: SessionEvent) => Notice | undefined;
  /** Told of every session that changed, and whether there is work on it that no process has taken yet. */
  readonly onChange: (id: string, hasNewWork: boolean) => void;
}

/** What a change may look at besides the state. */
export interface ChangeContext {
  readonly queries: Queries;
  /** What the step that runs, or ran, has told of already. */
  readonly told: () => Promise<Told>;
}

/** It may be made more than once, of other states, of which the last one counts. */
export type Change = (draft: Draft, context: ChangeContext) => Promise<void> | void;

/** A session after a change of the process that works on it. */
export interface Changed {
  readonly row: SessionRow;
  readonly draft: Draft;
  /** Others have changed it since the process knew it. */
  readonly wasStale: boolean;
}

/**
 * Writes changes of sessions, each in one transaction: the state, what followers are told of it, what was said, and
 * whether there is work. Events have numbers without gaps: a change counts only where it is of the latest version.
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
      return row && { row: (await this.#apply(queries, row, change)).row, hadWork: row.work };
    });
    if (changed === undefined) return undefined;
    this.#tell(changed.row, changed.hadWork);
    return changed.row;
  }

  /** A change by the process that works on the session, as far as it knows it. @throws WorkOver where it no longer does */
  async work(claim: Claim, known: SessionRow, change: Change, made?: Draft): Promise<Changed> {
    const database = await this.#options.store.database();
    const draft = made ?? (await this.#draft(database, known, change));
    const notices = this.#notices(known.id, draft);
    const row =
      notices.length === 0
        ? await this.#write(database, known, draft)
        : await database.transaction((queries) => this.#writeAll(queries, known, draft, notices));
    const changed =
      row !== undefined
        ? { row, draft, wasStale: false }
        : await database.transaction(async (queries) => {
            const held = await lockWork(queries, claim.position);
            if (held === undefined || held.attempt !== claim.attempt) throw new WorkOver();
            return { ...(await this.#apply(queries, held, change)), wasStale: true };
          });
    this.#tell(changed.row, claim.position);
    return changed;
  }

  /** What a change makes of a session as it is known, for `work` to write. */
  expect(known: SessionRow, change: (draft: Draft) => void): Omit<Changed, "wasStale"> {
    const draft = this.#begin(known);
    change(draft);
    draft.close();
    const { state, nextEvent } = draft;
    const work = needsWork(state) ? known.work : null;
    return { row: { ...known, state, nextEvent, work, version: known.version + 1 }, draft };
  }

  /** Adds what a step tells as it runs. @returns the session after it, or as it was known where that is stale. @throws WorkOver */
  async tell(claim: Claim, known: SessionRow, events: readonly SessionEvent[]): Promise<SessionRow> {
    const after = await addEvents(await this.#options.store.database(), claim, events);
    if (after === undefined) throw new WorkOver();
    this.#options.onChange(known.id, false);
    return after.version === known.version + 1 ? { ...known, ...after } : known;
  }

  /** Begins an attempt at a session's work. @returns undefined where there is none any more */
  async begin(queries: Queries, claim: Claim, change: Change): Promise<SessionRow | undefined> {
    const row = await lockWork(queries, claim.position);
    if (row === undefined) return undefined;
    return (await this.#apply(queries, { ...row, attempt: claim.attempt }, change)).row;
  }

  /** Within a transaction that holds the session's row. */
  async #apply(queries: Queries, row: SessionRow, change: Change) {
    const draft = await this.#draft(queries, row, change);
    const written = await this.#writeAll(queries, row, draft, this.#notices(row.id, draft));
    if (written === undefined) throw new Error("a session was changed although it is held");
    return { row: written, draft };
  }

  async #draft(queries: Queries, row: SessionRow, change: Change): Promise<Draft> {
    const draft = this.#begin(row);
    await change(draft, { queries, told: () => toldOf(queries, row) });
    draft.close();
    return draft;
  }

  #begin({ plan, state, nextEvent }: SessionRow): Draft {
    const { clock, newId } = this.#options;
    return new Draft({ plan, state, at: Math.round(wallMs(clock())), newId, nextEvent });
  }

  #notices(id: string, { events }: Draft): readonly Notice[] {
    return events.flatMap((event) => this.#options.noticeOf(id, event) ?? []);
  }

  async #writeAll(queries: Queries, row: SessionRow, draft: Draft, notices: readonly Notice[]) {
    const written = await this.#write(queries, row, draft);
    if (written !== undefined) for (const notice of notices) await notice(queries);
    return written;
  }

  /** @returns undefined where the row is stale */
  async #write(queries: Queries, row: SessionRow, draft: Draft): Promise<SessionRow | undefined> {
    const { state, nextEvent, events, items, steps, outputs, answers } = draft;
    const next = { state, nextEvent, attempt: row.attempt };
    const written = await writeChange(queries, row, {
      ...next,
      needsWork: needsWork(state),
      dueAt: dueAt(state),
      events,
      turns: [...draft.turns.values()],
      items,
      steps,
      outputs,
      asked: askedSince(row, draft),
      answers,
    });
    return written && { ...row, ...next, ...written };
  }

  #tell({ id, work }: SessionRow, hadWork: number | null): void {
    this.#options.onChange(id, work !== null && work !== hadWork);
  }
}

/** The questions of a draft that the session had not before. */
function askedSince({ state: before }: SessionRow, { state: { active } }: Draft): AskedQuestion[] {
  const known = new Set((before.active?.calls ?? []).map(({ question }) => question?.requestId));
  return (active?.calls ?? []).flatMap(
    ({ question, callId, tool, label, arguments: given, definition, effect }) =>
      active === null || question === undefined || known.has(question.requestId)
        ? []
        : {
            requestId: question.requestId,
            turnId: active.turn.id,
            expiresAt: new Date(question.expiresAt).toISOString(),
            call: { callId, tool, label, arguments: given, definition, effect, reason: question.reason },
          },
  );
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
