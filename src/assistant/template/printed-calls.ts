import type { ChatMessage, Tool } from "./message.ts";

/** What a template prints of calls in a history. */
export interface PrintedCalls {
  /** How many of two that are made together. */
  readonly count: number;
  /** Whether those of a message that has a text too. */
  readonly areBesideText: boolean;
}

const names = ["qzone", "qztwo"];

/** `render` gives undefined where the template refuses. */
export function printedCalls(
  render: (messages: readonly ChatMessage[], tools: readonly Tool[]) => string | undefined,
): PrintedCalls {
  const count = (content: string) => {
    const calls = names.map((name, index) => ({ id: `qzcall00${index}`, name, arguments: "{}" }));
    const rendered = render(
      [
        { role: "user", content: "Hi" },
        { role: "assistant", content, toolCalls: calls },
        ...calls.map(({ id }) => ({ role: "tool", content: "", toolCallId: id })),
      ],
      [{ name: "qztool", description: "" }],
    );
    // A template that refuses them says so when it is asked to print them.
    return rendered === undefined ? names.length : names.filter((name) => rendered.includes(name)).length;
  };
  const alone = count("");
  return { count: alone, areBesideText: count("qztext") >= alone };
}
