import type { SessionEvent } from "../../../features/agents/session/event.ts";
import type { Item } from "../../../features/agents/session/item.ts";
import type { NumberedEvent, SessionRow } from "../../../features/agents/session/tables.ts";
import { describeSession, describeTurn, describeUsage, parsed } from "./output.ts";

/** Items and events of sessions in the form of OpenAI's Agents API. */

export function describeItem(item: Item) {
  const { id, turnId, status } = item;
  const base = { id, turn_id: turnId, status };
  switch (item.type) {
    case "message": {
      const type = item.role === "user" ? "input_text" : "output_text";
      const content = item.status === "in_progress" ? [] : [{ type, text: item.text }];
      return { type: "message" as const, ...base, role: item.role, phase: item.phase, content };
    }
    case "reasoning": {
      const summary = item.status === "in_progress" ? [] : [{ type: "summary_text", text: item.text }];
      return { type: "reasoning" as const, ...base, summary };
    }
    case "function_call":
      return {
        type: "function_call" as const,
        ...base,
        call_id: item.callId,
        name: item.name,
        arguments: parsed(item.arguments),
      };
    case "function_call_output":
      return {
        type: "function_call_output" as const,
        ...base,
        call_id: item.callId,
        output: item.output,
        error: item.error,
      };
    case "mcp_call":
      return {
        type: "mcp_call" as const,
        ...base,
        call_id: item.callId,
        server_label: item.label,
        name: item.name,
        arguments: parsed(item.arguments),
        output: item.output,
        error: item.error,
      };
  }
}

/** An event as it is sent. */
export function describeEvent(
  { number, event }: NumberedEvent,
  row: SessionRow,
): { readonly type: string; readonly event_id: string } & Record<string, unknown> {
  const base = { event_id: eventId(row.id, number) };
  const of = { ...base, session_id: row.id };
  switch (event.type) {
    case "created":
      return {
        ...base,
        type: "agent.session.created",
        session: describeSession(row, { ...idle, at: event.at }),
      };
    case "status":
      return { ...base, type: `agent.session.${event.status}`, session: describeSession(row, event) };
    case "turn": {
      const { turn, change } = event;
      const isOver = change !== "created" && change !== "in_progress";
      return {
        ...of,
        type: `agent.session.turn.${change}`,
        turn_id: turn.id,
        turn: describeTurn(turn, row),
        ...(isOver && { usage: describeUsage(turn.usage) }),
      };
    }
    case "item":
      return {
        ...of,
        type: `agent.session.turn.item.${event.change}`,
        turn_id: event.item.turnId,
        output_index: event.outputIndex,
        item: describeItem(event.item),
      };
    case "text":
      return { ...of, ...textEvent(event) };
  }
}

const idle = {
  status: "idle" as const,
  usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
  waiting: [],
  turnId: null,
};

export function eventId(sessionId: string, number: number): string {
  return `evt_${sessionId.slice(sessionId.indexOf("_") + 1)}_${number}`;
}

/** The number in an event's id, or one given as such; undefined for anything else. */
export function eventNumber(id: string): number | undefined {
  const match = /^(?:evt_[0-9a-f]+_)?(\d{1,9})$/.exec(id);
  return match === null ? undefined : Number(match[1]);
}

type TextEvent = Extract<SessionEvent, { type: "text" }>;

function textEvent({ kind, change, turnId, itemId, outputIndex, text }: TextEvent) {
  const place = { turn_id: turnId, item_id: itemId, output_index: outputIndex };
  if (kind === "text") {
    const at = { ...place, content_index: 0 };
    if (change === "delta") return { type: "agent.session.turn.output_text.delta", ...at, delta: text };
    if (change === "done") return { type: "agent.session.turn.output_text.done", ...at, text };
    const part = { type: "output_text", text };
    return { type: "agent.session.turn.content_part.added", ...at, part };
  }
  const at = { ...place, summary_index: 0 };
  if (change === "delta")
    return { type: "agent.session.turn.reasoning_summary_text.delta", ...at, delta: text };
  if (change === "done") return { type: "agent.session.turn.reasoning_summary_text.done", ...at, text };
  const part = { type: "summary_text", text };
  return { type: "agent.session.turn.reasoning_summary_part.added", ...at, part };
}
