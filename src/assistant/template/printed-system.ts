import type { ChatMessage } from "./message.ts";

/** Which messages of the operator's a template prints. */
export interface PrintedSystem {
  /** Of the role `developer`, OpenAI's newer name of `system`, alone and after a system message. */
  readonly isDeveloperPrinted: boolean;
  /** More than one, and behind a turn. Many templates print the first or the last alone, without a word. */
  readonly areAllPrinted: boolean;
}

const user: ChatMessage = { role: "user", content: "Hi" };
const [first, second] = ["qzfirst", "qzsecond"];
const system = (content: string): ChatMessage => ({ role: "system", content });
const developer = (content: string): ChatMessage => ({ role: "developer", content });

/** `render` gives undefined where the template refuses. */
export function printedSystem(
  render: (messages: readonly ChatMessage[]) => string | undefined,
): PrintedSystem {
  const prints = (...messages: readonly ChatMessage[]) => {
    const rendered = render(messages);
    const said = messages.filter(({ role }) => role === "system" || role === "developer");
    return rendered !== undefined && said.every(({ content }) => rendered.includes(content));
  };
  return {
    isDeveloperPrinted: prints(developer(first), user) && prints(system(first), developer(second), user),
    areAllPrinted:
      prints(system(first), system(second), user) &&
      prints(user, { role: "assistant", content: "Hello" }, system(first), user),
  };
}
