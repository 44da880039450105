import type { Effect } from "../approval.ts";
import type { LimitReason } from "../limits.ts";
import { noTokens, type TokenUse } from "./token-use.ts";

export type TurnStatus = "queued" | "in_progress" | "waiting" | "completed" | "failed" | "cancelled";

/** One message's way to its answer, as it is told. Moments are milliseconds since 1970. */
export interface Turn {
  readonly id: string;
  readonly status: TurnStatus;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: TurnError | null;
  /** The limit that made its answer the last one. */
  readonly incomplete: LimitReason | null;
  readonly usage: TokenUse;
  readonly steps: number;
  readonly toolCalls: number;
  /** Time at work. */
  readonly activeMs: number;
}

export interface TurnError {
  readonly code: string;
  readonly message: string;
}

/** A call that the model made, until all of its step are settled. */
export interface Call {
  readonly callId: string;
  readonly itemId: string;
  readonly outputIndex: number;
  /** By which the model called the tool. */
  readonly tool: string;
  /** JSON text. */
  readonly arguments: string;
  /** Whose tool it is; undefined for functions, which the client runs. */
  readonly label: string | undefined;
  readonly effect: Effect;
  /** Digest of the tool's definition as it was when the model called it. */
  readonly definition: string;
  readonly status: "asking" | "client" | "ready" | "running" | "settled";
  /** Times that it was begun. */
  readonly attempts: number;
  /** Of the question that it waits for. */
  readonly question: Question | undefined;
}

export interface Question {
  readonly requestId: string;
  readonly reason: "policy" | "interrupted" | "redefined";
  readonly expiresAt: number;
}

/** The turn that a session works on. */
export interface ActiveTurn {
  readonly turn: Turn;
  /** Those of the latest step, empty when they are settled. */
  readonly calls: readonly Call[];
  /** Place of the next output item. */
  readonly nextIndex: number;
  /** Number of the first event that the running step can have told. */
  readonly toldFrom: number;
  /** When it was last set to work; null while it waits. */
  readonly activeSince: number | null;
  /** Its next answer is the last one. */
  readonly ending: LimitReason | null;
  /** Digests of settled calls, the oldest first. */
  readonly recent: readonly string[];
}

/** A message that waits for the turn before it. */
export interface QueuedTurn {
  readonly turn: Turn;
  readonly messages: readonly string[];
}

export interface SessionState {
  readonly active: ActiveTurn | null;
  readonly queued: readonly QueuedTurn[];
  readonly usage: TokenUse;
  /** Definitions of tools that a person approved for the whole session. */
  readonly remembered: readonly string[];
}

export const newState: SessionState = { active: null, queued: [], usage: noTokens, remembered: [] };

export type SessionStatus = "idle" | "in_progress" | "requires_action";

export function statusOf({ active }: SessionState): SessionStatus {
  if (active === null) return "idle";
  return active.turn.status === "waiting" ? "requires_action" : "in_progress";
}
