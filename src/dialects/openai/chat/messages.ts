import type { ChatMessage, ToolCall } from "../../../assistant/template/message.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { argumentsText, fieldText, type Part, textOf } from "../../content.ts";
import type { Note } from "../../notes.ts";
import type { RequestMessage } from "./schema.ts";

/** The conversation in the server's own words. @throws InvalidRequestError naming the message and the part */
export function toMessages(messages: readonly RequestMessage[], notes: Note[]): ChatMessage[] {
  return messages.map((message, index) => toMessage(message, `messages[${index}]`, notes));
}

function toMessage(message: RequestMessage, path: string, notes: Note[]): ChatMessage {
  const { role, content, name, tool_call_id: id } = message;
  const calls = toCalls(message, path, notes);
  const reasoning = message.reasoning_content ?? message.reasoning;
  return {
    // `function` is what `tool` was called before there were several calls in an answer.
    role: role === "function" ? "tool" : role,
    content: textOf(content, `${path}.content`, { media: role === "user" ? "refused" : "noted", notes }),
    ...(role === "assistant" && isSet(reasoning) && reasoning !== "" && { reasoning }),
    ...(isSet(name) && { name }),
    ...(isSet(id) && { toolCallId: id }),
    ...(calls.length > 0 && { toolCalls: calls }),
  };
}

function toCalls(message: RequestMessage, path: string, notes: Note[]): readonly ToolCall[] {
  const { role, tool_calls: calls, function_call: legacy } = message;
  const all = [
    ...(calls ?? []).map((call, index) => [call, `${path}.tool_calls[${index}]`] as const),
    ...(isSet(legacy) ? [[{ function: legacy }, `${path}.function_call`] as const] : []),
  ];
  if (role === "assistant") return all.map(([call, at]) => toCall(call, at, notes));
  if (all.length > 0) notes.push({ param: `${path}.tool_calls`, reason: "only the assistant calls tools" });
  return [];
}

function toCall(call: Part, path: string, notes: Note[]): ToolCall {
  const called = (call["function"] ?? call["custom"] ?? call) as Part;
  return {
    id: fieldText(call, "id", path, notes),
    name: fieldText(called, "name", `${path}.function`, notes),
    arguments: argumentsText(called["arguments"] ?? called["input"], `${path}.function.arguments`, notes),
  };
}
