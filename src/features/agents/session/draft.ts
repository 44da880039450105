import type { SessionPlan } from "../agent.ts";
import type { ApprovalStatus, KeptOutput } from "./change.ts";
import type { SessionEvent, SessionMoment } from "./event.ts";
import type { Item } from "./item.ts";
import type { Step } from "./step.ts";
import { type ActiveTurn, type Call, type SessionState, statusOf, type Turn } from "./turn.ts";

export interface DraftOptions {
  readonly plan: SessionPlan;
  readonly state: SessionState;
  /** Now, in milliseconds since 1970. */
  readonly at: number;
  readonly newId: (prefix: string) => string;
  /** Number of the next event. */
  readonly nextEvent: number;
}

/** A change of a session as it comes together: what is stored with the new state, all of it or none. */
export class Draft {
  readonly plan: SessionPlan;
  readonly at: number;
  readonly newId: (prefix: string) => string;
  readonly events: SessionEvent[] = [];
  /** Added, or put in place of the item of the same id. */
  readonly items: Item[] = [];
  /** The same of turns, by their ids. */
  readonly turns = new Map<string, Turn>();
  readonly steps: Step[] = [];
  readonly outputs: KeptOutput[] = [];
  /** What came of questions, by their ids. */
  readonly answers = new Map<string, ApprovalStatus>();
  readonly #before: SessionState;
  readonly #firstEvent: number;
  state: SessionState;

  constructor({ plan, state, at, newId, nextEvent }: DraftOptions) {
    this.plan = plan;
    this.at = at;
    this.newId = newId;
    this.#before = state;
    this.#firstEvent = nextEvent;
    this.state = state;
  }

  get nextEvent(): number {
    return this.#firstEvent + this.events.length;
  }

  /** @throws Error where there is none, which is a defect */
  get active(): ActiveTurn {
    if (this.state.active === null) throw new Error("no turn is active");
    return this.state.active;
  }

  /** Changes the active turn. */
  set(changes: Partial<ActiveTurn>): void {
    this.state = { ...this.state, active: { ...this.active, ...changes } };
  }

  setTurn(changes: Partial<Turn>): void {
    const turn = { ...this.active.turn, ...changes };
    this.set({ turn });
    this.turns.set(turn.id, turn);
  }

  setCall(callId: string, changes: Partial<Call>): void {
    this.set({
      calls: this.active.calls.map((call) => (call.callId === callId ? { ...call, ...changes } : call)),
    });
  }

  tellTurn(change: Extract<SessionEvent, { type: "turn" }>["change"], turn: Turn): void {
    this.turns.set(turn.id, turn);
    this.events.push({ type: "turn", change, turn });
  }

  addItem(item: Item, outputIndex: number | null): void {
    this.items.push(item);
    this.events.push({ type: "item", change: "added", item, outputIndex });
  }

  endItem(item: Item, outputIndex: number): void {
    this.items.push(item);
    this.events.push({ type: "item", change: "done", item, outputIndex });
  }

  /** Tells where the session stands, if that is somewhere else than before. */
  close(): void {
    this.#keepTime();
    const before = momentOf(this.#before, this.at);
    const after = momentOf(this.state, this.at);
    const isOther =
      before.status !== after.status ||
      (after.status === "requires_action" &&
        JSON.stringify(before.waiting) !== JSON.stringify(after.waiting));
    if (isOther) this.events.push({ type: "status", ...after });
  }

  /** Counts the time at work; a turn all of whose calls wait for others is not at work. */
  #keepTime(): void {
    if (this.state.active === null) return;
    const { calls, activeSince, turn } = this.active;
    const isWaiting =
      calls.some(isOpen) && calls.every(({ status }) => status !== "ready" && status !== "running");
    const activeMs = turn.activeMs + (activeSince === null ? 0 : this.at - activeSince);
    const status = isWaiting ? "waiting" : "in_progress";
    if (activeMs !== turn.activeMs || status !== turn.status) this.setTurn({ activeMs, status });
    this.set({ activeSince: isWaiting ? null : this.at });
  }
}

export const isOpen = ({ status }: Call): boolean => status !== "settled";

export function momentOf(state: SessionState, at: number): SessionMoment {
  const waiting = (state.active?.calls ?? []).filter(
    ({ status }) => status === "asking" || status === "client",
  );
  return {
    status: statusOf(state),
    usage: state.usage,
    waiting: waiting.map(({ callId, tool, label, arguments: given, definition, question, status }) => ({
      callId,
      tool,
      label,
      arguments: given,
      definition,
      question,
      status,
    })),
    turnId: state.active?.turn.id ?? null,
    at,
  };
}
