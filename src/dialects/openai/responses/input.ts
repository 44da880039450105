import type { ChatMessage, ToolCall } from "../../../assistant/template/message.ts";
import { invalid, textOf } from "../../content.ts";
import { roles } from "../chat/schema.ts";

type Item = Readonly<Record<string, unknown>>;

/** Input items in the server's own words. @throws InvalidRequestError naming the item and the field */
export function toMessages(input: string | readonly unknown[]): ChatMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  const messages: ChatMessage[] = [];
  for (const [index, item] of input.entries()) {
    const path = `input[${index}]`;
    if (item === null || typeof item !== "object") throw invalid(path, "must be an object");
    addItem(messages, item as Item, path);
  }
  return messages;
}

function addItem(messages: ChatMessage[], item: Item, path: string): void {
  const { type = "message" } = item;
  switch (type) {
    case "message": {
      const role = roles.find((known) => known === item["role"] && known !== "tool");
      if (role === undefined)
        throw invalid(`${path}.role`, "must be one of system, developer, user, assistant");
      messages.push({ role, content: textOf(item["content"], `${path}.content`) });
      return;
    }
    case "function_call": {
      const call = {
        id: text(item, "call_id", path),
        name: text(item, "name", path),
        arguments: text(item, "arguments", path),
      };
      addCall(messages, call);
      return;
    }
    case "function_call_output":
      messages.push({
        role: "tool",
        content: textOf(item["output"], `${path}.output`),
        toolCallId: text(item, "call_id", path),
      });
      return;
    case "reasoning":
      // Written for the model that wrote it; its answers do without.
      return;
    default:
      throw invalid(`${path}.type`, `${String(type)} is not supported`);
  }
}

/** Calls made together are one message of the assistant's. */
function addCall(messages: ChatMessage[], call: ToolCall): void {
  const last = messages.at(-1);
  if (last?.role === "assistant") {
    messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
  } else messages.push({ role: "assistant", content: "", toolCalls: [call] });
}

function text(item: Item, field: string, path: string): string {
  const value = item[field];
  if (typeof value !== "string" || value.length > 1_000_000 || !value.isWellFormed() || value.includes("\0"))
    throw invalid(`${path}.${field}`, "must be a string of well-formed Unicode text");
  return value;
}
