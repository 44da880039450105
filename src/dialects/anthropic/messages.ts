import type { ChatMessage, ToolCall } from "../../assistant/template/message.ts";
import { argumentsText, fieldText, type Part, partText, type Reading, textOf } from "../content.ts";
import type { Note } from "../notes.ts";

/** A line that Claude Code puts in front of its system prompt, other in every request: it would end every cached prefix. */
const BILLING = /^x-anthropic-billing-header:[^\n]*\n?/;

/** The system prompt's text. */
export function systemText(system: unknown, notes: Note[]): string {
  const blocks = Array.isArray(system) ? system : [system];
  const texts = blocks.map((block, index) =>
    partText(block, Array.isArray(system) ? `system[${index}]` : "system", { media: "refused", notes }),
  );
  return texts
    .map((text) => text.replace(BILLING, ""))
    .filter((text) => text !== "")
    .join("\n");
}

/** Tool results are blocks of the user's message in Anthropic's API, and separate messages in all others. */
export function toMessages(role: string, content: unknown, path: string, notes: Note[]): ChatMessage[] {
  const blocks = Array.isArray(content) ? content : [content];
  const results: ChatMessage[] = [];
  const calls: ToolCall[] = [];
  const texts: string[] = [];
  const thoughts: string[] = [];
  // What a client asks about must be read; what it reports of earlier turns can no longer be changed.
  const reading: Reading = { media: role === "user" ? "refused" : "noted", notes };
  for (const [index, block] of blocks.entries()) {
    const at = Array.isArray(content) ? `${path}.content[${index}]` : `${path}.content`;
    const part = (block !== null && typeof block === "object" ? block : {}) as Part;
    switch (part["type"]) {
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use":
        calls.push({
          id: fieldText(part, "id", at, notes),
          name: fieldText(part, "name", at, notes),
          arguments: argumentsText(part["input"], `${at}.input`, notes),
        });
        break;
      case "tool_result":
        results.push(resultOf(part, at, notes));
        break;
      case "thinking":
        thoughts.push(fieldText(part, "thinking", at, notes));
        break;
      case "redacted_thinking":
        notes.push({ param: at, reason: "encrypted thoughts can't be read here" });
        break;
      default:
        if (isServerResult(part["type"])) results.push(resultOf(part, at, notes));
        else texts.push(partText(block, at, reading));
    }
  }
  const text = texts.filter((one) => one !== "").join("\n");
  const hasOwn = text !== "" || calls.length > 0 || results.length === 0;
  const reasoning = thoughts.filter((one) => one !== "").join("\n");
  const own = hasOwn
    ? [
        {
          role,
          content: text,
          ...(role === "assistant" && reasoning !== "" && { reasoning }),
          ...(calls.length > 0 && { toolCalls: calls }),
        },
      ]
    : [];
  // A user answers calls and then speaks; an assistant whose tools ran on its side called before it was answered.
  return role === "assistant" ? [...own, ...results] : [...results, ...own];
}

/** `web_search_tool_result` and its like: answers to tools that run on Anthropic's side, within the assistant's turn. */
function isServerResult(type: unknown): boolean {
  return typeof type === "string" && type.endsWith("_tool_result");
}

function resultOf(part: Part, path: string, notes: Note[]): ChatMessage {
  return {
    role: "tool",
    content: textOf(part["content"], `${path}.content`, { media: "noted", notes }),
    toolCallId: fieldText(part, "tool_use_id", path, notes),
  };
}
