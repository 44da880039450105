import { isDeepStrictEqual } from "node:util";
import type { ChatMessage, Tool } from "./message.ts";
import { withoutToolFields } from "./tool-prompt.ts";

type Messages = readonly ChatMessage[];

interface Conversation {
  readonly messages: Messages;
  readonly tools: readonly Tool[];
}

/** A change to a conversation that a template does not take as it is. */
export interface Adaptation {
  /** What it does, for the client. */
  readonly change: string;
  readonly adapt: (conversation: Conversation) => Conversation;
}

function ofMessages(change: string, adapt: (messages: Messages) => Messages): Adaptation {
  return { change, adapt: ({ messages, tools }) => ({ messages: adapt(messages), tools }) };
}

export const joinedSystem = ofMessages("system messages are joined at the beginning", systemFirst);
export const singleCalls = ofMessages("calls made together are told one after the other", oneCallAtATime);
export const textApart = ofMessages(
  "what was said before a call is told as a message of its own",
  textBeforeCalls,
);
const readable = ofMessages("arguments that are not an object are told within one", readableArguments);
const textThought = ofMessages("what was said before a call is told as thought", textIntoThoughts);
const systemOfUser = ofMessages(
  "the system message is told at the beginning of the first user message",
  systemInUser,
);
const joinedTurns = ofMessages(
  "neighbouring messages of one role are joined, and the user speaks first",
  alternating,
);
const callsAsText = ofMessages("calls and their results are told as text", (messages) =>
  messages.map(withoutToolFields),
);
const singleTypes: Adaptation = {
  change: "parameters of several types are told with the first of them",
  adapt: ({ messages, tools }) => ({ messages, tools: withPlainTypes(tools) }),
};

/** Clients send system messages late or twice, several calls at once, and turns that don't alternate. */
const ofConversations: ReadonlyArray<readonly Adaptation[]> = [
  [readable],
  [joinedSystem],
  [readable, joinedSystem, textThought],
  [readable, joinedSystem, singleCalls],
  [readable, joinedSystem, systemOfUser],
  [readable, joinedSystem, singleCalls, joinedTurns],
  [readable, joinedSystem, systemOfUser, joinedTurns],
  [callsAsText, joinedSystem, joinedTurns],
  [callsAsText, joinedSystem, systemOfUser, joinedTurns],
];

/** Forms that a conversation is tried in where a template refuses it as it is, the least changed first. */
export const adaptations: ReadonlyArray<readonly Adaptation[]> = [
  [singleTypes],
  ...ofConversations,
  ...ofConversations.map((steps) => [singleTypes, ...steps]),
];

/** A conversation, and what was changed to make a template take it. */
export interface Told extends Conversation {
  readonly changes: readonly string[];
}

export function adapted(told: Told, steps: readonly Adaptation[]): Told {
  return steps.reduce(({ changes, ...conversation }, { change, adapt }) => {
    const next = adapt(conversation);
    return isDeepStrictEqual(next, conversation)
      ? { ...conversation, changes }
      : { ...next, changes: [...changes, change] };
  }, told);
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
function systemFirst(messages: Messages): Messages {
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
function textBeforeCalls(messages: Messages): Messages {
  return messages.flatMap((message) => {
    const { toolCalls = [], ...said } = message;
    return toolCalls.length === 0 || message.content === ""
      ? [message]
      : [said, { role: message.role, content: "", toolCalls }];
  });
}

/** Calls made together as calls made one after the other, each with its result. */
function oneCallAtATime(messages: Messages): Messages {
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
