import type { Citation } from "../../../src/features/rag/schema.ts";
import type { Account } from "./account.ts";
import type { Parameters } from "./parameters.ts";

/** What one side said. Turns with the same parent are branches of the conversation. */
export interface Turn {
  readonly id: string;
  readonly parentId: string | null;
  readonly role: "user" | "assistant" | "tool";
  readonly createdAt: number;
  readonly text: string;
  /** The model's thoughts before it, where it shows them. */
  readonly reasoning: string;
  readonly outcome: Outcome;
  readonly account: Account | null;
  /** Of a question to documents: what was found in them, which the model is given with it. */
  readonly passages?: readonly Citation[];
  /** Of an answer: the tools that the model calls. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of what tools gave: by the call. */
  readonly results?: readonly ToolResult[];
  /** Of an answer that was asked for together with another. */
  readonly pair?: Pairing;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

export interface ToolResult {
  readonly id: string;
  readonly name: string;
  readonly content: string;
}

export const sides = ["a", "b"] as const;
export type Side = (typeof sides)[number];

/** Two answers to one question, each with settings of its own. */
export interface Pairing {
  readonly id: string;
  readonly side: Side;
  /** What is other in its settings than in the other's. */
  readonly difference: string;
}

export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string; readonly code: string };

/** What an answer is asked for with. */
export interface ChatSettings {
  readonly system: string;
  readonly parameters: Parameters;
}

/** The dataset whose passages are put before the model. */
export interface Documents {
  readonly datasetId: string;
  readonly name: string;
}

export interface Conversation extends ChatSettings {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the second answer, while two are asked for side by side. */
  readonly other?: ChatSettings | undefined;
  readonly documents?: Documents | undefined;
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
    other: like?.other,
    documents: like?.documents,
    turns: [],
    headId: null,
  };
}

export function settingsOf({ system, parameters, other }: Conversation, side: Side): ChatSettings {
  return side === "b" && other !== undefined ? other : { system, parameters };
}

/** What `own` has that is other in `another`, in a few words. */
export function difference(own: ChatSettings, another: ChatSettings): string {
  const names = new Set([...Object.keys(own.parameters), ...Object.keys(another.parameters)]) as ReadonlySet<
    keyof Parameters
  >;
  const told = [...names]
    .map((name) => [name, JSON.stringify(own.parameters[name])] as const)
    .filter(([name, value]) => value !== JSON.stringify(another.parameters[name]))
    .map(([name, value]) => `${name} ${shortened(value ?? "left to the server")}`);
  if (own.system !== another.system)
    told.push(own.system.trim() === "" ? "no system prompt" : `system prompt “${shortened(own.system)}”`);
  return told.length === 0 ? "the same settings" : told.join(", ");
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** The turns from the first to `headId`. */
export function branch(turns: readonly Turn[], headId: string | null): readonly Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const path: Turn[] = [];
  for (let turn = byId.get(headId ?? ""); turn !== undefined; turn = byId.get(turn.parentId ?? ""))
    path.unshift(turn);
  return path;
}

/** The turns that could stand where `turn` does, it among them, the oldest first; of a pair one. */
export function siblings(turns: readonly Turn[], turn: Turn): readonly Turn[] {
  const all = turns.filter(({ parentId, role }) => parentId === turn.parentId && role === turn.role);
  return all.filter(({ id, pair }) => {
    if (pair === undefined || id === turn.id) return true;
    return pair.id !== turn.pair?.id && all.find((each) => each.pair?.id === pair.id)?.id === id;
  });
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
