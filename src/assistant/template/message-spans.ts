import type { MessageSpan } from "../../inference/engine.ts";
import type { ChatMessage } from "./message.ts";

/**
 * Where in a rendered prompt the messages' contents stand. A template may trim or leave out what it likes: a message that is
 * not found in its place has no span.
 */
export function messageSpans(rendered: string, messages: readonly ChatMessage[]): readonly MessageSpan[] {
  const spans: MessageSpan[] = [];
  let at = 0;
  for (const [index, { role, content }] of messages.entries()) {
    const text = content.trim();
    if (text === "") continue;
    // A short content may occur in what the template writes before it, such as the role's name.
    const header = rendered.indexOf(role, at);
    const first = rendered.indexOf(text, at);
    const afterHeader = header < 0 || header > first ? first : rendered.indexOf(text, header + role.length);
    const from = afterHeader < 0 ? first : afterHeader;
    if (from < 0) continue;
    at = from + text.length;
    spans.push({ index, role, from, until: at });
  }
  return spans;
}
