import type { TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import { newId } from "../../../platform/ids.ts";
import { CustomInput } from "../custom-tools.ts";
import { toTokenLogprobs } from "../logprobs.ts";
import type { ClientTool } from "./tools.ts";

export type ItemStatus = "in_progress" | "completed" | "incomplete";

interface Growing {
  readonly id: string;
  text: string;
  status: ItemStatus;
}

export interface MessageItem extends Growing {
  readonly kind: "text";
  readonly tokens: ScoredToken[];
}

interface ReasoningItem extends Growing {
  readonly kind: "reasoning";
}

interface CallItem extends Growing {
  readonly kind: "call";
  readonly callId: string;
  /** By which the model called the tool. */
  readonly name: string;
  readonly tool: ClientTool;
}

/** A call whose argument is given as the text that it is. */
interface CustomCallItem extends Omit<CallItem, "kind"> {
  readonly kind: "custom";
  readonly reader: CustomInput;
  /** The argument so far. */
  input: string;
}

/** An output item as it comes together. */
export type Item = MessageItem | ReasoningItem | CallItem | CustomCallItem;

/** What of items is told. */
export interface ItemOptions {
  readonly hasLogprobs: boolean;
  /** Thoughts are given as a summary too, for clients that show only that. */
  readonly hasSummary: boolean;
  /** How the client knows a tool that the model calls. */
  readonly clientTool: (name: string) => ClientTool;
  /** Whether a tool is an MCP server's; none is where it is left out. */
  readonly isRemote?: (name: string) => boolean;
}

type Start = Extract<TurnEvent, { type: "block_start" }>;

export function newMessage(): MessageItem {
  return { kind: "text", id: newId("msg_"), text: "", status: "in_progress", tokens: [] };
}

export function toItem(start: Start, { clientTool }: Pick<ItemOptions, "clientTool">): Item {
  const begun = { text: "", status: "in_progress" as const };
  if (start.kind !== "call")
    return start.kind === "text" ? newMessage() : { kind: "reasoning", id: newId("rs_"), ...begun };
  const { id: callId, name } = start;
  const tool = clientTool(name);
  const call = { callId, name, tool, ...begun };
  return tool.isCustom === true
    ? { kind: "custom", id: newId("ctc_"), ...call, reader: new CustomInput(), input: "" }
    : { kind: "call", id: newId("fc_"), ...call };
}

/** An item in the form of OpenAI's API. */
export function describeItem(item: Item, options: Omit<ItemOptions, "clientTool">): object {
  const { id, text, status } = item;
  switch (item.kind) {
    case "text":
      return { type: "message", id, status, role: "assistant", content: [textPart(item, options)] };
    case "reasoning": {
      const isSummed = options.hasSummary && status !== "in_progress";
      const summary = isSummed ? [{ type: "summary_text", text }] : [];
      return { type: "reasoning", id, status, summary, content: [{ type: "reasoning_text", text }] };
    }
    case "call":
      return {
        type: "function_call",
        id,
        call_id: item.callId,
        ...nameOf(item.tool),
        arguments: text,
        status,
      };
    case "custom":
      return {
        type: "custom_tool_call",
        id,
        call_id: item.callId,
        ...nameOf(item.tool),
        input: item.input,
      };
  }
}

export function textPart({ text, tokens }: MessageItem, { hasLogprobs }: Pick<ItemOptions, "hasLogprobs">) {
  const logprobs = hasLogprobs ? toTokenLogprobs(tokens) : [];
  return { type: "output_text", text, annotations: [], logprobs };
}

function nameOf({ name, namespace }: ClientTool): object {
  return { name, ...(namespace !== undefined && { namespace }) };
}
