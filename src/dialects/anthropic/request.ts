import type { DeclaredTool } from "../../assistant/formats/call-grammar.ts";
import type { ChatMessage, ToolCall } from "../../assistant/template/message.ts";
import type { AnswerForm, ToolChoice, Turn } from "../../assistant/turn.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { invalid, partText, textOf } from "../content.ts";
import { refuseUnsupported } from "../refusals.ts";
import type { AnthropicTool, CountTokensBody, MessagesBody } from "./schema.ts";
import { unsupportedInMessages } from "./unsupported.ts";

type Block = Readonly<Record<string, unknown>>;

/** What a message asks of the assistant. @throws InvalidRequestError naming the field */
export function toTurn(body: MessagesBody): Turn {
  refuseUnsupported(body, unsupportedInMessages);
  const { temperature, top_p, top_k, seed, tool_choice: choice } = body;
  return {
    ...toConversation(body),
    toolChoice: toToolChoice(choice),
    parallelToolCalls: choice?.disable_parallel_tool_use !== true,
    form: toForm(body),
    sampling: {
      temperature: temperature ?? 1,
      ...(isSet(top_p) && { topP: top_p }),
      ...(isSet(top_k) && { topK: top_k }),
      ...(isSet(seed) && { seed }),
    },
    maxTokens: body.max_tokens,
    stop: body.stop_sequences ?? [],
    ...(isSet(body.thinking) && { thinks: false }),
  };
}

function toForm({ output_config: config }: MessagesBody): AnswerForm {
  for (const field of ["effort", "task_budget"] as const) {
    if (isSet(config?.[field]))
      throw invalid(
        `output_config.${field}`,
        "is not supported: answers are as thorough as the model makes them",
      );
  }
  const format = config?.format;
  return isSet(format)
    ? { type: "schema", schema: format.schema, path: "output_config.format.schema" }
    : { type: "text" };
}

/** The part of a request whose tokens count as input. */
export function toConversation(body: CountTokensBody): Pick<Turn, "messages" | "tools"> {
  const { system } = body;
  const last = body.messages.length - 1;
  if (body.messages[last]?.role === "assistant")
    throw invalid(`messages[${last}].role`, "must be user: an answer can't be begun for the model");
  return {
    messages: [
      ...(isSet(system) ? [{ role: "system", content: textOf(system, "system") }] : []),
      ...body.messages.flatMap(({ role, content }, index) => toMessages(role, content, `messages[${index}]`)),
    ],
    tools: (body.tools ?? []).map(toTool),
  };
}

/** Tool results are blocks of the user's to Anthropic, and messages of their own to everybody else. */
function toMessages(role: string, content: string | readonly unknown[], path: string): ChatMessage[] {
  if (typeof content === "string") return [{ role, content }];
  const results: ChatMessage[] = [];
  const calls: ToolCall[] = [];
  let text = "";
  for (const [index, entry] of content.entries()) {
    const at = `${path}.content[${index}]`;
    if (entry === null || typeof entry !== "object") throw invalid(at, "must be an object with a type");
    const block = entry as Block;
    switch (block["type"]) {
      case "tool_use":
        calls.push({
          id: textField(block, "id", at),
          name: textField(block, "name", at),
          arguments: JSON.stringify(block["input"] ?? {}),
        });
        break;
      case "tool_result":
        results.push({
          role: "tool",
          content: isSet(block["content"]) ? textOf(block["content"], `${at}.content`) : "",
          toolCallId: textField(block, "tool_use_id", at),
        });
        break;
      case "thinking":
      case "redacted_thinking":
        break;
      default:
        text += partText(block, at);
    }
  }
  const hasOwn = text !== "" || calls.length > 0 || results.length === 0;
  return [
    ...results,
    ...(hasOwn ? [{ role, content: text, ...(calls.length > 0 && { toolCalls: calls }) }] : []),
  ];
}

function textField(block: Block, field: string, path: string): string {
  const value = block[field];
  if (typeof value === "string" && value.isWellFormed() && !value.includes("\0")) return value;
  throw invalid(`${path}.${field}`, "must be a string of well-formed Unicode text");
}

function toTool(
  { type, name, description, input_schema, strict }: AnthropicTool,
  index: number,
): DeclaredTool {
  if (isSet(type) && type !== "custom") throw invalid(`tools[${index}].type`, `${type} is not supported`);
  if (input_schema === undefined) throw invalid(`tools[${index}].input_schema`, "is required");
  return {
    name,
    ...(isSet(description) && { description }),
    parameters: input_schema,
    strict: strict ?? false,
    path: `tools[${index}].input_schema`,
  };
}

function toToolChoice(choice: MessagesBody["tool_choice"]): ToolChoice {
  if (!isSet(choice)) return { type: "auto" };
  switch (choice.type) {
    case "any":
      return { type: "required" };
    case "tool":
      if (choice.name === undefined) throw invalid("tool_choice.name", "is required");
      return { type: "tool", name: choice.name };
    default:
      return { type: choice.type };
  }
}
