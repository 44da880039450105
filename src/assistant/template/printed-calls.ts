import type { ChatMessage, Tool } from "./message.ts";

/** What a template prints of calls in a history. */
export interface PrintedCalls {
  /** How many of two that are made together. */
  readonly count: number;
  /** Whether those of a message that has a text too. */
  readonly areBesideText: boolean;
  /** Whether calls and their results. */
  readonly areWithResults: boolean;
}

const names = ["qzone", "qztwo"];
const result = "qzresult";

/** `render` gives undefined where the template refuses. */
export function printedCalls(
  render: (messages: readonly ChatMessage[], tools: readonly Tool[]) => string | undefined,
): PrintedCalls {
  const print = (content: string) => {
    const calls = names.map((name, index) => ({ id: `qzcall00${index}`, name, arguments: "{}" }));
    return render(
      [
        { role: "user", content: "Hi" },
        { role: "assistant", content, toolCalls: calls },
        ...calls.map(({ id }) => ({ role: "tool", content: result, toolCallId: id })),
      ],
      [{ name: "qztool", description: "" }],
    );
  };
  // A template that refuses them says so when it is asked to print them.
  const count = (printed: string | undefined) =>
    printed === undefined ? names.length : names.filter((name) => printed.includes(name)).length;
  const alone = print("");
  return {
    count: count(alone),
    areBesideText: count(print("qztext")) >= count(alone),
    areWithResults: alone?.includes(result) === true && count(alone) > 0,
  };
}
