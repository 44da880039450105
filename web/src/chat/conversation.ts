import type { Account } from "./account.ts";
import type { Parameters } from "./parameters.ts";

/** What one side said. Turns with the same parent are branches of the conversation. */
export interface Turn {
  readonly id: string;
  readonly parentId: string | null;
  readonly role: "user" | "assistant";
  readonly createdAt: number;
  readonly text: string;
  /** The model's thoughts before it, where it shows them. */
  readonly reasoning: string;
  readonly outcome: Outcome;
  readonly account: Account | null;
}

export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string; readonly code: string };

export interface Conversation {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly system: string;
  readonly parameters: Parameters;
  readonly turns: readonly Turn[];
  /** The last turn of the branch that is shown. */
  readonly headId: string | null;
}

export function emptyConversation(now: number, like?: Conversation): Conversation {
  return {
    id: crypto.randomUUID(),
    createdAt: now,
    updatedAt: now,
    system: like?.system ?? "",
    parameters: like?.parameters ?? {},
    turns: [],
    headId: null,
  };
}

/** The turns from the first to `headId`. */
export function branch(turns: readonly Turn[], headId: string | null): readonly Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const path: Turn[] = [];
  for (let turn = byId.get(headId ?? ""); turn !== undefined; turn = byId.get(turn.parentId ?? ""))
    path.unshift(turn);
  return path;
}

/** The turns that could stand where `turn` does, it among them, the oldest first. */
export function siblings(turns: readonly Turn[], turn: Turn): readonly Turn[] {
  return turns.filter(({ parentId, role }) => parentId === turn.parentId && role === turn.role);
}

/** The last turn after `turn`, always by way of the newest. */
export function newestHead(turns: readonly Turn[], turn: Turn): string {
  const next = turns.findLast(({ parentId }) => parentId === turn.id);
  return next === undefined ? turn.id : newestHead(turns, next);
}

const TITLE_LENGTH = 60;

export function titleOf({ turns }: Conversation): string {
  const text = turns[0]?.text.trim().replace(/\s+/g, " ") ?? "";
  if (text === "") return "New conversation";
  return text.length > TITLE_LENGTH ? `${text.slice(0, TITLE_LENGTH).trimEnd()}…` : text;
}
