import type { DeclaredTool } from "../../../assistant/formats/call-grammar.ts";
import type { AnswerForm, ToolChoice, Turn } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { refuseUnsupported } from "../../refusals.ts";
import { isReusable, toSampling, toStop } from "../sampling.ts";
import { unsupportedInChat } from "../unsupported.ts";
import { toMessages } from "./messages.ts";
import type { ChatCompletionBody, RequestTool, ResponseFormat } from "./schema.ts";

/** What a chat completion asks of the assistant. @throws InvalidRequestError naming the field */
export function toTurn(body: ChatCompletionBody): Turn {
  refuseUnsupported(body, unsupportedInChat);
  if (isSet(body.stream_options) && body.stream !== true)
    throw invalid("stream_options", "needs stream to be true");
  const { logprobs, top_logprobs: top } = body;
  if (isSet(top) && logprobs !== true) throw invalid("top_logprobs", "needs logprobs to be true");
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  return {
    messages: toMessages(body.messages),
    tools: (body.tools ?? []).map(toTool),
    toolChoice: toToolChoice(body.tool_choice),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    form: toForm(body),
    sampling: toSampling(body),
    ...(isSet(maxTokens) && { maxTokens }),
    stop: toStop(body.stop),
    reusable: isReusable(body),
    ...(logprobs === true && { logprobs: top ?? 0 }),
    ...(body.reasoning_effort === "none" && { thinks: false }),
  };
}

function toTool({ function: declared }: RequestTool, index: number): DeclaredTool {
  // Not left to the schema, so that a tool of another type is refused for its type.
  if (declared === undefined) throw invalid(`tools[${index}].function`, "is required");
  const { name, description, parameters, strict } = declared;
  return {
    name,
    ...(isSet(description) && { description }),
    ...(isSet(parameters) && { parameters }),
    strict: strict ?? false,
    path: `tools[${index}].function.parameters`,
  };
}

function toToolChoice(choice: ChatCompletionBody["tool_choice"]): ToolChoice {
  if (!isSet(choice)) return { type: "auto" };
  if (choice === "none" || choice === "auto" || choice === "required") return { type: choice };
  const name = typeof choice === "object" && choice.type === "function" ? choice.function?.name : undefined;
  if (typeof name === "string") return { type: "tool", name };
  throw invalid(
    "tool_choice",
    'must be "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
  );
}

function toForm({ response_format: format, grammar }: ChatCompletionBody): AnswerForm {
  const form = formOf(format);
  if (!isSet(grammar)) return form;
  if (form.type !== "text") throw invalid("grammar", "can't be joined with response_format");
  return { type: "grammar", grammar };
}

function formOf(format: ResponseFormat | null | undefined): AnswerForm {
  if (!isSet(format) || format.type === "text") return { type: "text" };
  if (format.type === "json_object") return { type: "json" };
  const path = "response_format.json_schema";
  if (format.json_schema === undefined) throw invalid(path, "is required");
  const { schema } = format.json_schema;
  return isSet(schema) ? { type: "schema", schema, path: `${path}.schema` } : { type: "json" };
}
