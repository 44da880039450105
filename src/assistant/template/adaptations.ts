import type { ChatMessage, Tool } from "./message.ts";
import { withoutToolFields } from "./tool-prompt.ts";

type Messages = readonly ChatMessage[];
type Adaptation = (messages: Messages) => Messages;

/** Clients send system messages late or twice, several calls at once, and turns that don't alternate. */
const adaptations: readonly Adaptation[] = [
  readableArguments,
  systemFirst,
  ...[
    textIntoThoughts,
    oneCallAtATime,
    systemInUser,
    (messages: Messages) => alternating(oneCallAtATime(messages)),
    (messages: Messages) => alternating(systemInUser(messages)),
  ].map(
    (adapt): Adaptation =>
      (messages) =>
        adapt(systemFirst(readableArguments(messages))),
  ),
  (messages) => alternating(systemFirst(messages.map(withoutToolFields))),
  (messages) => alternating(systemInUser(systemFirst(messages.map(withoutToolFields)))),
];

/** Forms that a conversation is tried in where a template refuses it as it is, the least changed first. */
export function* otherForms(
  messages: Messages,
  tools: readonly Tool[],
): Iterable<{ readonly messages: Messages; readonly tools: readonly Tool[] }> {
  const plain = withPlainTypes(tools);
  if (tools.length > 0) yield { messages, tools: plain };
  for (const told of tools.length > 0 ? [tools, plain] : [tools])
    for (const adapt of adaptations) yield { messages: adapt(messages), tools: told };
}

/** Arguments that a token limit cut, or that are not an object, as the one field of an object. */
function readableArguments(messages: Messages): Messages {
  return messages.map((message) => {
    const { toolCalls = [] } = message;
    if (toolCalls.every((call) => isObject(call.arguments))) return message;
    const readable = toolCalls.map((call) =>
      isObject(call.arguments) ? call : { ...call, arguments: JSON.stringify({ arguments: call.arguments }) },
    );
    return { ...message, toolCalls: readable };
  });
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * Functions whose parameters have one type each, for templates that expect it: `["string", "null"]` is given as `string`.
 * What a call is held to stays the schema itself.
 */
function withPlainTypes(tools: readonly Tool[]): readonly Tool[] {
  return tools.map((tool) => ({
    ...tool,
    ...(tool.parameters !== undefined && { parameters: plainTypes(tool.parameters) as Tool["parameters"] }),
  })) as readonly Tool[];
}

function plainTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainTypes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const types = key === "type" && Array.isArray(inner) ? inner : undefined;
      return [
        key,
        types === undefined ? plainTypes(inner) : (types.find((type) => type !== "null") ?? "null"),
      ];
    }),
  );
}

/** All system messages as one, at the beginning. */
export function systemFirst(messages: Messages): Messages {
  const isSystem = ({ role }: ChatMessage) => role === "system" || role === "developer";
  const first = messages.find(isSystem);
  if (first === undefined) return messages;
  const content = messages.filter(isSystem).map((message) => message.content);
  if (content.length === 1 && messages[0] === first) return messages;
  return [{ ...first, content: content.join("\n\n") }, ...messages.filter((message) => !isSystem(message))];
}

/** The system message as the beginning of the first user's, as Gemma's makers have it. */
function systemInUser(messages: Messages): Messages {
  const [system, ...rest] = messages;
  if (system === undefined || (system.role !== "system" && system.role !== "developer")) return messages;
  const at = rest.findIndex(({ role }) => role === "user");
  const user = rest[at];
  if (user === undefined) return [{ role: "user", content: system.content }, ...rest];
  return rest.with(at, { ...user, content: `${system.content}\n\n${user.content}` });
}

/** What was said before a call as a part of the thoughts: gpt-oss takes either, and not both. */
function textIntoThoughts(messages: Messages): Messages {
  return messages.map((message) => {
    const { reasoning, content, toolCalls = [] } = message;
    if (reasoning === undefined || content === "" || toolCalls.length === 0) return message;
    return { ...message, reasoning: `${reasoning}\n\n${content}`, content: "" };
  });
}

/** What was said before a call as a message of its own. */
export function textApart(messages: Messages): Messages {
  return messages.flatMap((message) => {
    const { toolCalls = [], ...said } = message;
    return toolCalls.length === 0 || message.content === ""
      ? [message]
      : [said, { role: message.role, content: "", toolCalls }];
  });
}

/** Calls made together as calls made one after the other, each with its result. */
export function oneCallAtATime(messages: Messages): Messages {
  const results = new Map(messages.map((message) => [message.toolCallId, message]));
  const placed = new Set<ChatMessage>();
  return messages.flatMap((message) => {
    const { toolCalls = [] } = message;
    if (placed.has(message)) return [];
    if (toolCalls.length < 2) return [message];
    return toolCalls.flatMap((call, index) => {
      const result = results.get(call.id);
      if (result !== undefined) placed.add(result);
      const { reasoning: _, ...bare } = message;
      const part = index === 0 ? message : { ...bare, content: "" };
      return [{ ...part, toolCalls: [call] }, ...(result === undefined ? [] : [result])];
    });
  });
}

/** Neighbours of one role as one message; the user speaks first. */
function alternating(messages: Messages): Messages {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last === undefined || last.role !== message.role || message.role === "tool") joined.push(message);
    else
      joined[joined.length - 1] = {
        ...last,
        content: [last.content, message.content].filter((text) => text !== "").join("\n\n"),
        ...(message.toolCalls !== undefined && {
          toolCalls: [...(last.toolCalls ?? []), ...message.toolCalls],
        }),
      };
  }
  const at = joined.findIndex(({ role }) => role !== "system");
  if (joined[at]?.role === "assistant") joined.splice(at, 0, { role: "user", content: "" });
  return joined;
}
