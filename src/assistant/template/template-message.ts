import { assertShallow } from "../../platform/json-depth.ts";
import type { ChatMessage } from "./message.ts";

/** How a template wants what is not plain text. */
export interface MessageForm {
  /** Calls' arguments as an object, or as JSON text. */
  readonly arguments: "object" | "text";
  /** The field that it reads thoughts from; of the content where it is `parts` or `blocks`. */
  readonly thoughts: string;
}

/** A message in the form that Hugging Face's templates expect: OpenAI's, with some differences among them. */
export function toTemplateMessage(message: ChatMessage, form: MessageForm): object {
  const { role, reasoning, toolCalls = [], toolCallId, name } = message;
  return {
    role,
    content: contentOf(message, form),
    ...(reasoning !== undefined && !inContent.has(form.thoughts) && { [form.thoughts]: reasoning }),
    ...(name !== undefined && { name }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(toolCalls.length > 0 && {
      tool_calls: toolCalls.map((call) => ({
        id: call.id,
        type: "function",
        function: {
          name: call.name,
          arguments: form.arguments === "text" ? call.arguments : parseArguments(call.arguments),
        },
      })),
    }),
  };
}

/** Forms of thoughts that are part of the content. */
const inContent: ReadonlySet<string> = new Set(["parts", "blocks"]);

function contentOf({ role, content, reasoning }: ChatMessage, form: MessageForm): string | object {
  if (form.thoughts === "blocks" && role === "assistant") return { blocks: blocks(reasoning, content) };
  return form.thoughts === "parts" && reasoning !== undefined ? parts(reasoning, content) : content;
}

/** Apertus' form, which all answers of a conversation have or none. */
function blocks(thought: string | undefined, text: string): object[] {
  return [
    ...(thought === undefined ? [] : [{ type: "thoughts", text: thought }]),
    ...(text === "" ? [] : [{ type: "response", text }]),
  ];
}

/** Mistral's form of thoughts. */
function parts(thinking: string, text: string): object[] {
  return [{ type: "thinking", thinking }, ...(text === "" ? [] : [{ type: "text", text }])];
}

/** What a client sends back as arguments may be anything; a template prints text as it is. */
function parseArguments(text: string): unknown {
  assertShallow(Buffer.from(text), "A tool call's arguments: the JSON");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type Render = (messages: readonly ChatMessage[], form: MessageForm) => string | undefined;

const user: ChatMessage = { role: "user", content: "Hi" };
const called: ChatMessage = {
  role: "assistant",
  content: "",
  reasoning: "qzthought",
  toolCalls: [{ id: "call00000", name: "qzname", arguments: '{"qzkey": "qzvalue"}' }],
};

/** Finds a template's forms by trying them; undefined is a render that the template refuses. */
export function findMessageForm(source: string, render: Render): MessageForm {
  const named = ["reasoning_content", "reasoning", "thinking"].filter((name) =>
    new RegExp(`[.'"]${name}\\b`).test(source),
  );
  const plain: MessageForm = { arguments: "object", thoughts: named[0] ?? "reasoning_content" };
  const fields = named.map((thoughts) => ({ ...plain, thoughts }));
  const byParts = /['"]thinking['"]/.test(source) ? [{ ...plain, thoughts: "parts" }] : [];
  const byBlocks = /['"]thoughts['"]/.test(source) ? [{ ...plain, thoughts: "blocks" }] : [];
  const printsThoughts = (form: MessageForm) =>
    [{ ...called, toolCalls: [] }, called].some((message) => {
      const text = render([user, { ...message, content: "qztext" }], form);
      // Parts that are printed as they are were not understood.
      return text?.includes("qzthought") === true && !/['"]qzthought/.test(text);
    });
  const best = [...fields, ...byParts, ...byBlocks].find(printsThoughts) ?? plain;
  // Python's spelling of a dict is the mark of a template that expects text.
  const printed = render([user, called], best);
  const needsText = printed === undefined || /\{'qzkey'|\{\\?"qzkey\\?": \\?'/.test(printed);
  const asText: MessageForm = { ...best, arguments: "text" };
  return needsText && render([user, called], asText) !== undefined ? asText : best;
}
