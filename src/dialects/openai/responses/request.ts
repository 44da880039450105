import type { DeclaredTool } from "../../../assistant/formats/call-grammar.ts";
import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { AnswerForm, ToolChoice, Turn } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { refuseUnsupported } from "../../refusals.ts";
import { toSampling, toStop } from "../sampling.ts";
import { unsupportedInResponses } from "../unsupported.ts";
import type { ResponseBody, ResponseTool } from "./schema.ts";

/**
 * What a response asks of the assistant, after the conversation so far. Instructions hold for this response only.
 * @throws InvalidRequestError naming the field
 */
export function toTurn(body: ResponseBody, conversation: readonly ChatMessage[]): Turn {
  refuseUnsupported(body, unsupportedInResponses);
  const { instructions, top_logprobs: top, max_output_tokens: maxTokens } = body;
  const wantsLogprobs = body.include?.includes("message.output_text.logprobs") === true || (top ?? 0) > 0;
  return {
    messages: [
      ...(isSet(instructions) ? [{ role: "developer", content: instructions }] : []),
      ...conversation,
    ],
    tools: (body.tools ?? []).map(toTool),
    toolChoice: toToolChoice(body.tool_choice),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    form: toForm(body),
    sampling: toSampling(body),
    ...(isSet(maxTokens) && { maxTokens }),
    stop: toStop(body.stop),
    ...(wantsLogprobs && { logprobs: top ?? 0 }),
    ...(body.reasoning?.effort === "none" && { thinks: false }),
  };
}

function toTool({ type, name, description, parameters, strict }: ResponseTool, index: number): DeclaredTool {
  const path = `tools[${index}]`;
  if (type !== "function") throw invalid(`${path}.type`, `${type} is not supported; only function is`);
  if (name === undefined) throw invalid(`${path}.name`, "is required");
  return {
    name,
    ...(isSet(description) && { description }),
    ...(isSet(parameters) && { parameters }),
    strict: strict ?? false,
    path: `${path}.parameters`,
  };
}

function toToolChoice(choice: ResponseBody["tool_choice"]): ToolChoice {
  if (!isSet(choice)) return { type: "auto" };
  if (choice === "none" || choice === "auto" || choice === "required") return { type: choice };
  if (typeof choice === "object" && choice.type === "function" && typeof choice.name === "string")
    return { type: "tool", name: choice.name };
  throw invalid("tool_choice", 'must be "none", "auto", "required" or {"type": "function", "name": …}');
}

function toForm({ text }: ResponseBody): AnswerForm {
  const format = text?.format;
  if (!isSet(format) || format.type === "text") return { type: "text" };
  if (format.type === "json_object") return { type: "json" };
  if (format.schema === undefined) throw invalid("text.format.schema", "is required");
  return { type: "schema", schema: format.schema, path: "text.format.schema" };
}
