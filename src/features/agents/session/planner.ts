import type { SessionPlan } from "../agent.ts";
import type { LimitReason } from "../limits.ts";
import type { Call, SessionState } from "./turn.ts";

/** What a session is to do next. */
export type Next =
  | { readonly type: "idle" }
  /** For a person, or for the client. */
  | { readonly type: "wait" }
  /** For calls that run. */
  | { readonly type: "run_on" }
  | { readonly type: "tools"; readonly calls: readonly Call[] }
  | { readonly type: "model"; readonly ending: LimitReason | null };

/** The plan of a session follows from its state alone: to resume is to plan again. */
export function next({ active }: SessionState): Next {
  if (active === null) return { type: "idle" };
  const { calls, ending } = active;
  const ready = calls.filter(({ status }) => status === "ready");
  if (ready.length > 0) return { type: "tools", calls: ready };
  if (calls.some(({ status }) => status === "running")) return { type: "run_on" };
  if (calls.some(({ status }) => status !== "settled")) return { type: "wait" };
  return { type: "model", ending };
}

/** Whether a process has to work on the session. */
export function needsWork(state: SessionState): boolean {
  const { type } = next(state);
  return type !== "idle" && type !== "wait";
}

/** When a question of the session expires, in milliseconds since 1970. */
export function dueAt({ active }: SessionState): number | null {
  const moments = (active?.calls ?? []).flatMap(({ status, question }) =>
    status === "asking" && question !== undefined ? question.expiresAt : [],
  );
  return moments.length === 0 ? null : Math.min(...moments);
}

/** Longest timer that counts. */
const LONGEST_MS = 24 * 3_600_000;

/** Time that the active turn may still be at work; its last answer has the time that it takes. */
export function timeLeftMs({ plan, state: { active } }: Timed): number {
  if (active === null || active.ending !== null) return LONGEST_MS;
  const left = Math.round(1000 * plan.limits.maxSeconds - active.turn.activeMs);
  return Math.max(1, Math.min(LONGEST_MS, left));
}

interface Timed {
  readonly plan: SessionPlan;
  readonly state: Pick<SessionState, "active">;
}
