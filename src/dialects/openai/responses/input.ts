import type { ChatMessage, ToolCall } from "../../../assistant/template/message.ts";
import { nameFor } from "../../../features/mcp-servers/naming.ts";
import { argumentsText, fieldText, invalid, type Part, textOf } from "../../content.ts";
import type { Note } from "../../notes.ts";
import { roles } from "../chat/schema.ts";

/** Calls by their items: where the name is, if the type does not say it, and what holds the arguments. */
const calls: Readonly<Record<string, { readonly name?: string; readonly arguments: string }>> = {
  function_call: { arguments: "arguments" },
  custom_tool_call: { arguments: "input" },
  local_shell_call: { name: "local_shell", arguments: "action" },
  shell_call: { name: "shell", arguments: "action" },
  apply_patch_call: { name: "apply_patch", arguments: "operation" },
  mcp_call: { arguments: "arguments" },
};

/** What servers' tools are is declared, and what a person approved is a call by then. */
const readElsewhere = new Set(["mcp_list_tools", "mcp_approval_request", "mcp_approval_response"]);

/** Items that are for the client, or for the API that made them. */
const notForModels = new Set(["compaction", "compaction_trigger", "context_compaction"]);

/** Items of the field `param` in the server's own words. @throws InvalidRequestError naming the item and the field */
export function toMessages(
  input: string | readonly unknown[],
  notes: Note[],
  param = "input",
): ChatMessage[] {
  if (typeof input === "string")
    return [{ role: "user", content: textOf(input, param, { media: "refused", notes }) }];
  const messages: ChatMessage[] = [];
  for (const [index, item] of input.entries()) {
    const path = `${param}[${index}]`;
    if (typeof item === "string")
      messages.push({ role: "user", content: textOf(item, path, { media: "refused", notes }) });
    else if (item === null || typeof item !== "object") throw invalid(path, "must be an object");
    else addItem(messages, item as Part, path, notes);
  }
  return messages;
}

function addItem(messages: ChatMessage[], item: Part, path: string, notes: Note[]): void {
  const { type = "role" in item ? "message" : undefined } = item;
  const call = calls[String(type)];
  if (readElsewhere.has(String(type))) return;
  if (type === "message") {
    const role = roles.find((known) => known === item["role"]);
    if (role === undefined)
      throw invalid(`${path}.role`, "must be one of system, developer, user, assistant");
    const media = role === "user" ? "refused" : "noted";
    addMessage(messages, role, textOf(item["content"], `${path}.content`, { media, notes }));
  } else if (call !== undefined) {
    addCall(messages, {
      id: type === "mcp_call" ? callIdOf(item) : fieldText(item, "call_id", path, notes),
      name: type === "mcp_call" ? remoteName(item) : (call.name ?? fieldText(item, "name", path, notes)),
      arguments: argumentsText(argumentsOf(type, item[call.arguments]), `${path}.${call.arguments}`, notes),
    });
    if (type === "mcp_call") addResult(messages, item, path, notes);
  } else if (typeof type === "string" && type.endsWith("_output")) addResult(messages, item, path, notes);
  else if (type === "reasoning") addReasoning(messages, item, path, notes);
  else if (notForModels.has(String(type)))
    notes.push({ param: path, reason: `what an item of type ${type} holds can't be read here` });
  else {
    const text = textOf(item["content"] ?? item["output"] ?? item["text"], `${path}.content`, {
      media: "noted",
      notes,
    });
    if (text !== "") messages.push({ role: "user", content: text });
    else
      notes.push({
        param: path,
        reason: `an item of type ${String(type).slice(0, 50)} without text is left out`,
      });
  }
}

/** What a custom tool takes is text of its own form, and no JSON. */
function argumentsOf(type: unknown, value: unknown): unknown {
  return type === "custom_tool_call" ? { input: value ?? "" } : value;
}

function addResult(messages: ChatMessage[], item: Part, path: string, notes: Note[]): void {
  const output = item["output"] ?? errorOf(item["error"]);
  messages.push({
    role: "tool",
    content: textOf(Array.isArray(output) ? output.map(outputText) : output, `${path}.output`, {
      media: "noted",
      notes,
    }),
    toolCallId: item["type"] === "mcp_call" ? callIdOf(item) : fieldText(item, "call_id", path, notes),
  });
}

/** Such a call has its result with it, and no id of its own that both would name. */
function callIdOf({ id }: Part): string {
  return typeof id === "string" ? id : "mcp_call";
}

function remoteName(item: Part): string {
  return nameFor(String(item["server_label"] ?? ""), String(item["name"] ?? ""));
}

function errorOf(error: unknown): string | undefined {
  if (error === null || error === undefined) return undefined;
  return `Error: ${typeof error === "string" ? error : JSON.stringify(error)}`;
}

/** A shell's output has its text in two fields. */
function outputText(part: unknown): unknown {
  if (part === null || typeof part !== "object" || !("stdout" in part)) return part;
  const { stdout, stderr } = part as { stdout?: unknown; stderr?: unknown };
  return [stdout, stderr].filter((text) => typeof text === "string" && text !== "").join("\n");
}

/** A message; an assistant's is the end of what its thoughts began. */
function addMessage(messages: ChatMessage[], role: string, content: string): void {
  const last = messages.at(-1);
  const isThought = last?.reasoning !== undefined && last.content === "" && last.toolCalls === undefined;
  if (role === "assistant" && isThought) messages[messages.length - 1] = { ...last, content };
  else messages.push({ role, content });
}

/** Thoughts are of the message or the calls behind them; templates keep or drop them as the model was taught. */
function addReasoning(messages: ChatMessage[], item: Part, path: string, notes: Note[]): void {
  const reasoning = textOf(item["content"], `${path}.content`, { media: "noted", notes });
  if (reasoning !== "") messages.push({ role: "assistant", content: "", reasoning });
  else notes.push({ param: path, reason: "thoughts that are encrypted or summed up can't be read here" });
}

/** Calls made together are one message of the assistant's. */
function addCall(messages: ChatMessage[], call: ToolCall): void {
  const last = messages.at(-1);
  if (last?.role === "assistant") {
    messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
  } else messages.push({ role: "assistant", content: "", toolCalls: [call] });
}
