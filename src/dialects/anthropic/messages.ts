import type { ChatMessage, ToolCall } from "../../assistant/template/message.ts";
import { nameFor } from "../../features/mcp-servers/naming.ts";
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

/** What one message says, as far as it is one for all others. */
interface Said {
  readonly results: ChatMessage[];
  readonly calls: ToolCall[];
  readonly texts: string[];
  readonly thoughts: string[];
}

const nothingSaid = (): Said => ({ results: [], calls: [], texts: [], thoughts: [] });

/**
 * Tool results are blocks of a message in Anthropic's API, and separate messages in all others. An assistant whose tools
 * ran on its side, and which spoke on, has spoken more than once.
 */
export function toMessages(role: string, content: unknown, path: string, notes: Note[]): ChatMessage[] {
  const blocks = Array.isArray(content) ? content : [content];
  // What a client asks about must be read; what it reports of earlier turns can no longer be changed.
  const reading: Reading = { media: role === "user" ? "refused" : "noted", notes };
  const messages: ChatMessage[] = [];
  let said = nothingSaid();
  for (const [index, block] of blocks.entries()) {
    const at = Array.isArray(content) ? `${path}.content[${index}]` : `${path}.content`;
    const part = (block !== null && typeof block === "object" ? block : {}) as Part;
    if (role === "assistant" && said.results.length > 0 && !isServerResult(part["type"])) {
      messages.push(...asMessages(role, said));
      said = nothingSaid();
    }
    switch (part["type"]) {
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use":
        said.calls.push({
          id: fieldText(part, "id", at, notes),
          name: calledName(part, at, notes),
          arguments: argumentsText(part["input"], `${at}.input`, notes),
        });
        break;
      case "tool_result":
        said.results.push(resultOf(part, at, notes));
        break;
      case "thinking":
        said.thoughts.push(fieldText(part, "thinking", at, notes));
        break;
      case "redacted_thinking":
        notes.push({ param: at, reason: "encrypted thoughts can't be read here" });
        break;
      case "mcp_tool_listing":
        // The model is told of tools where they are declared.
        break;
      default:
        if (isServerResult(part["type"])) said.results.push(resultOf(part, at, notes));
        else said.texts.push(partText(block, at, reading));
    }
  }
  return [...messages, ...asMessages(role, said)];
}

function asMessages(role: string, { results, calls, texts, thoughts }: Said): ChatMessage[] {
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
  // A user answers calls and then speaks; an assistant called before it was answered.
  return role === "assistant" ? [...own, ...results] : [...results, ...own];
}

/** The name by which the model called: that of a server's tool has the server's in it. */
function calledName(part: Part, path: string, notes: Note[]): string {
  const name = fieldText(part, "name", path, notes);
  if (part["type"] !== "mcp_tool_use") return name;
  return nameFor(fieldText(part, "server_name", path, notes), name);
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
