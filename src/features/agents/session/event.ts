import type { Item } from "./item.ts";
import type { TokenUse } from "./token-use.ts";
import type { Call, SessionStatus, Turn } from "./turn.ts";

/** What followers of a session are told; each has a number, without gaps. */
export type SessionEvent =
  | { readonly type: "created"; readonly at: number }
  | ({ readonly type: "status" } & SessionMoment)
  | {
      readonly type: "turn";
      readonly change: "created" | "in_progress" | "completed" | "failed" | "cancelled";
      readonly turn: Turn;
    }
  /** `outputIndex` is null for what was put in. */
  | {
      readonly type: "item";
      readonly change: "added" | "done";
      readonly item: Item;
      readonly outputIndex: number | null;
    }
  | {
      readonly type: "text";
      readonly kind: "text" | "reasoning";
      /** `text` is what came, or all of it at the end. */
      readonly change: "begun" | "delta" | "done";
      readonly turnId: string;
      readonly itemId: string;
      readonly outputIndex: number;
      readonly text: string;
    };

/** A session as it is at one moment. */
export interface SessionMoment {
  readonly status: SessionStatus;
  readonly usage: TokenUse;
  /** Calls that wait for a person or for the client. */
  readonly waiting: readonly WaitingCall[];
  readonly turnId: string | null;
  readonly at: number;
}

export type WaitingCall = Pick<
  Call,
  "callId" | "tool" | "label" | "arguments" | "definition" | "question" | "status"
>;
