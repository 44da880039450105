import type { ChatMessage, Tool } from "./message.ts";

/*
 * Tools for models whose template knows none: the declarations go into the system message, calls and results into
 * ordinary ones, in the words of the Hermes format, which most open models have seen.
 */

/** The form a function has in OpenAI's API, which templates expect too. */
export function describeTool({ name, description, parameters }: Tool): object {
  return {
    type: "function",
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: parameters ?? { type: "object", properties: {} },
    },
  };
}

/**
 * `areCallsWritten`: calls are left for the template, which writes them as the model did, in tokens of their own where it has
 * such. As text they would be other tokens, and nothing behind them would be found in the KV cache.
 */
export function withToolInstructions(
  messages: readonly ChatMessage[],
  tools: readonly Tool[],
  areCallsWritten = false,
): readonly ChatMessage[] {
  const plain = messages.map(areCallsWritten ? withoutResults : withoutToolFields);
  return withDeclarations(plain, tools, EXAMPLE);
}

/** The declarations in the system message, and how a call is written, which its end shows. */
export function withDeclarations(
  plain: readonly ChatMessage[],
  tools: readonly Tool[],
  example: string,
): readonly ChatMessage[] {
  if (tools.length === 0) return plain;
  const [first, ...rest] = plain;
  const isSystem = first?.role === "system";
  const own = isSystem ? `${first.content}\n\n` : "";
  return [
    { role: "system", content: own + instructions(tools, example) },
    ...(isSystem || first === undefined ? rest : plain),
  ];
}

/** How Hermes' models write a call. */
const EXAMPLE = '<tool_call>\n{"name": "function name", "arguments": {}}\n</tool_call>';

function instructions(tools: readonly Tool[], example: string): string {
  return [
    "You may call functions. Their signatures as JSON, one a line:",
    "<tools>",
    ...tools.map((tool) => JSON.stringify(describeTool(tool))),
    "</tools>",
    "To call one, answer with its name and arguments as JSON in tags:",
    example,
  ].join("\n");
}

function withoutResults(message: ChatMessage): ChatMessage {
  const { role, content, toolCalls = [] } = message;
  if (role === "tool" || toolCalls.length === 0) return withoutToolFields(message);
  return { ...message, content: content === "" || content.endsWith("\n") ? content : `${content}\n` };
}

export function withoutToolFields(message: ChatMessage): ChatMessage {
  const { role, content, reasoning, toolCalls = [], name } = message;
  if (role === "tool") return { role: "user", content: `<tool_response>\n${content}\n</tool_response>` };
  const calls = toolCalls.map(
    (call) =>
      `<tool_call>\n{"name": ${JSON.stringify(call.name)}, "arguments": ${call.arguments}}\n</tool_call>`,
  );
  return {
    role,
    content: [...(content === "" ? [] : [content]), ...calls].join("\n"),
    ...(reasoning !== undefined && { reasoning }),
    ...(name !== undefined && { name }),
  };
}
