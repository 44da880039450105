import type { Prompt } from "../../inference/engine.ts";
import type { ChatMessage } from "./message.ts";
import { messageSpans } from "./message-spans.ts";

/**
 * For models without a template: one message is given to the model to continue, as it is; a conversation becomes a
 * transcript of `Role: content` lines that ends where the assistant should speak.
 */
export function transcript(messages: readonly ChatMessage[]): Prompt {
  const only = messages.length === 1 ? messages[0] : undefined;
  const lines = messages.map(
    ({ role, content }) => `${role.charAt(0).toUpperCase()}${role.slice(1)}: ${content}\n`,
  );
  const text = only?.content ?? `${lines.join("")}Assistant:`;
  return { ...plainPrompt(text), messages: messageSpans(text, messages) };
}

/** Text for the model to continue, with nothing in it read as a special token. */
export function plainPrompt(text: string): Prompt {
  return { parts: [{ type: "text", text, parseSpecial: false }], addBos: true };
}
