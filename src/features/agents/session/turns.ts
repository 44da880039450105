import { InvalidRequestError } from "../../../errors.ts";
import { dropCalls, userMessage } from "./calls.ts";
import type { Draft } from "./draft.ts";
import { isOpen } from "./draft.ts";
import type { Item } from "./item.ts";
import { noTokens } from "./token-use.ts";
import type { QueuedTurn, Turn, TurnError } from "./turn.ts";

/** Messages that may wait for the turns before them. */
const MAX_QUEUED = 32;

/** What a step that was interrupted had told of already. */
export interface Told {
  /** Items that were begun and not ended. */
  readonly open: ReadonlyArray<{ readonly item: Item; readonly outputIndex: number }>;
  /** Place of the item after the last one. */
  readonly nextIndex: number;
}

/** Takes a message: its turn begins now, or after those before it. */
export function takeMessage(draft: Draft, messages: readonly string[]): void {
  const { active, queued } = draft.state;
  if (queued.length >= MAX_QUEUED)
    throw new InvalidRequestError(`${MAX_QUEUED} messages wait already.`, { param: "events" });
  const turn: Turn = {
    id: draft.newId("turn_"),
    status: "queued",
    createdAt: draft.at,
    startedAt: null,
    endedAt: null,
    error: null,
    incomplete: null,
    usage: noTokens,
    steps: 0,
    toolCalls: 0,
    activeMs: 0,
  };
  draft.tellTurn("created", turn);
  draft.state = { ...draft.state, queued: [...queued, { turn, messages }] };
  if (active === null) startNext(draft);
}

/** Ends the turn that runs and those that wait. What its tools have begun is not undone. */
export function cancel(draft: Draft, told: Told): void {
  const { queued } = draft.state;
  draft.state = { ...draft.state, queued: [] };
  if (draft.state.active !== null) {
    closeTold(draft, told);
    dropCalls(draft, "The turn was cancelled.");
    end(draft, "cancelled", null);
  }
  for (const { turn } of queued)
    draft.tellTurn("cancelled", { ...turn, status: "cancelled", endedAt: draft.at });
}

/** Ends the turn with an error that no retry cures. */
export function fail(draft: Draft, error: TurnError, told: Told): void {
  closeTold(draft, told);
  dropCalls(draft, "The turn failed before the call was answered.");
  end(draft, "failed", error);
}

export function complete(draft: Draft): void {
  end(draft, "completed", null);
}

/** Closes what an interrupted step left open, for those who follow. It is not said again, and the model never reads it. */
export function closeTold(draft: Draft, { open, nextIndex }: Told): void {
  for (const { item, outputIndex } of open)
    draft.events.push({ type: "item", change: "done", item: { ...item, status: "incomplete" }, outputIndex });
  draft.set({ nextIndex: Math.max(nextIndex, draft.active.nextIndex), toldFrom: draft.nextEvent });
}

function end(draft: Draft, status: "completed" | "failed" | "cancelled", error: TurnError | null): void {
  if (draft.active.calls.some(isOpen)) throw new Error("a turn ends with calls that have no outcome");
  const { turn, activeSince, ending } = draft.active;
  draft.tellTurn(status, {
    ...turn,
    status,
    error,
    endedAt: draft.at,
    activeMs: turn.activeMs + (activeSince === null ? 0 : draft.at - activeSince),
    incomplete: ending,
  });
  draft.state = { ...draft.state, active: null };
  startNext(draft);
}

function startNext(draft: Draft): void {
  const [first, ...rest] = draft.state.queued;
  if (first === undefined) return;
  draft.state = { ...draft.state, queued: rest };
  start(draft, first);
}

function start(draft: Draft, { turn: queued, messages }: QueuedTurn): void {
  const turn: Turn = { ...queued, status: "in_progress", startedAt: draft.at };
  draft.state = {
    ...draft.state,
    active: {
      turn,
      calls: [],
      nextIndex: 0,
      toldFrom: 0,
      activeSince: draft.at,
      ending: null,
      recent: [],
    },
  };
  draft.tellTurn("in_progress", turn);
  for (const text of messages) draft.addItem(userMessage(draft, turn.id, 0, text), null);
  draft.set({ toldFrom: draft.nextEvent });
}
