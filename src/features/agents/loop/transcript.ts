import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { Item, Outcome } from "../session/item.ts";

/**
 * A session as the model reads it. What is added later stands behind what was there, so that each step finds the
 * steps before it in the KV cache.
 */
export function toMessages(instructions: string | null, items: readonly Item[]): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: "system", content: instructions }];
  let place = "";
  let results: ChatMessage[] = [];
  const flush = () => {
    messages.push(...results);
    results = [];
  };
  /** What the model said in one step is one message, whose results follow it. */
  const extend = (item: Item, change: (said: ChatMessage) => ChatMessage) => {
    const here = `${item.turnId} ${item.step}`;
    if (here !== place) {
      flush();
      messages.push({ role: "assistant", content: "" });
    }
    place = here;
    messages.push(change(messages.pop() ?? { role: "assistant", content: "" }));
  };
  for (const item of items) {
    switch (item.type) {
      case "message":
        if (item.role === "user") {
          flush();
          place = "";
          messages.push({ role: "user", content: item.text });
        } else extend(item, (said) => ({ ...said, content: said.content + item.text }));
        break;
      case "reasoning":
        extend(item, (said) => ({ ...said, reasoning: item.text }));
        break;
      case "function_call":
      case "mcp_call": {
        const call = { id: item.callId, name: item.name, arguments: item.arguments };
        extend(item, (said) => ({ ...said, toolCalls: [...(said.toolCalls ?? []), call] }));
        if (item.type === "mcp_call") results.push(resultOf(item.callId, item));
        break;
      }
      case "function_call_output":
        results.push(resultOf(item.callId, item));
        break;
    }
  }
  flush();
  return messages;
}

/** Whether the user or an output had a text in it; what only the model wrote does not count. */
export function wasShown(items: readonly Item[], text: string): boolean {
  return items.some((item) => {
    if (item.type === "message") return item.role === "user" && item.text.includes(text);
    return (
      (item.type === "mcp_call" || item.type === "function_call_output") &&
      item.output?.includes(text) === true
    );
  });
}

function resultOf(callId: string, { output, error }: Outcome): ChatMessage {
  return { role: "tool", toolCallId: callId, content: error === null ? (output ?? "") : `Error: ${error}` };
}
