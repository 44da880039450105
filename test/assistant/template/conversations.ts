import type { ChatMessage, Tool } from "../../../src/assistant/template/message.ts";

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly Tool[];
  readonly thinks: boolean;
}

const tool: Tool = {
  name: "get_weather",
  description: "Get the weather of a city.",
  parameters: {
    type: "object",
    properties: {
      city: { type: "string", description: "Name of the city." },
      days: { type: "integer", description: "Days ahead." },
    },
    required: ["city"],
  },
};
const tools = [tool];

const system = { role: "system", content: "Be brief." };
const user = { role: "user", content: "What is the weather in Paris?" };
const answer = { role: "assistant", content: "It is sunny." };
const thanks = { role: "user", content: "Thank you. And tomorrow?" };
const call = (id: string, city: string) => ({
  id,
  name: "get_weather",
  arguments: JSON.stringify({ city, days: 2 }),
});
const ids = ["abcdefghi", "jklmnopqr"] as const;
const calls = { role: "assistant", content: "", toolCalls: [call(ids[0], "Paris")] };
const both = { ...calls, toolCalls: [call(ids[0], "Paris"), call(ids[1], "Rome")] };
const result = { role: "tool", toolCallId: ids[0], name: "get_weather", content: '{"sky": "clear"}' };
const other = { role: "tool", toolCallId: ids[1], name: "get_weather", content: '{"sky": "grey"}' };
const reasoning = "The user wants the weather.";

/** What every chat template is tried with. */
export const conversations: Readonly<Record<string, Conversation>> = {
  user: { messages: [user], thinks: true },
  system: { messages: [system, user], thinks: true },
  turns: { messages: [user, answer, thanks], thinks: true },
  tools: { messages: [user], tools, thinks: true },
  systemAndTools: { messages: [system, user], tools, thinks: true },
  result: { messages: [user, calls, result], tools, thinks: true },
  nextTurn: { messages: [user, calls, result, answer, thanks], tools, thinks: true },
  parallel: { messages: [user, both, result, other], tools, thinks: true },
  thoughts: { messages: [user, { ...answer, reasoning }, thanks], thinks: true },
  thoughtsAndCall: { messages: [user, { ...calls, reasoning }, result], tools, thinks: true },
  withoutThinking: { messages: [user], thinks: false },
};
