import type { AnswerForm, Turn } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import { askedLimit, limitOf } from "../../local-sampling.ts";
import type { Note } from "../../notes.ts";
import { accountFor } from "../../refusals.ts";
import { askedForm } from "../answer-form.ts";
import { isReusable, toSampling, toStop } from "../sampling.ts";
import { unsupportedInChat } from "../unsupported.ts";
import { type CallForm, functionCall } from "./calls.ts";
import { toMessages } from "./messages.ts";
import type { ChatCompletionBody, ResponseFormat } from "./schema.ts";
import { toToolChoice, toTools } from "./tools.ts";

/** What a chat completion asks of the assistant, and what is not done as asked. @throws InvalidRequestError naming the field */
export function toRequest(body: ChatCompletionBody): {
  readonly turn: Turn;
  readonly notes: readonly Note[];
  readonly calls: CallForm;
} {
  const notes = accountFor(body, unsupportedInChat);
  const { logprobs, top_logprobs: top } = body;
  if (isSet(top) && logprobs !== true) throw invalid("top_logprobs", "needs logprobs to be true");
  const asked = askedLimit(body);
  if (asked === 0) throw invalid("max_tokens", "must be at least 1, or -1 for no limit");
  const maxTokens = body.max_completion_tokens ?? limitOf(asked);
  const { declared: tools, calls } = toTools(body, notes);
  const turn: Turn = {
    ...toConversation(body, notes),
    tools,
    toolChoice: toToolChoice(body),
    parallelToolCalls: calls !== functionCall && (body.parallel_tool_calls ?? true),
    form: toForm(body),
    sampling: toSampling(body),
    ...(isSet(maxTokens) && { maxTokens }),
    stop: toStop(body.stop),
    reusable: isReusable(body),
    ...(body.reproducible === true && { reproducible: true as const }),
    ...(logprobs === true && { logprobs: top ?? 0 }),
    ...reasoningOf(body),
  };
  return { turn, notes, calls };
}

/** The messages, of which the last is an answer to continue where the client says so. */
export function toConversation(
  {
    messages,
    continue_final_message: continues,
  }: Pick<ChatCompletionBody, "messages" | "continue_final_message">,
  notes: Note[],
): Pick<Turn, "messages" | "begun"> {
  const all = toMessages(messages, notes);
  const last = all.at(-1);
  if (continues !== true) return { messages: all };
  if (last?.role !== "assistant" || last.toolCalls !== undefined || all.length === 1)
    throw invalid(
      "continue_final_message",
      "needs a last message of the assistant's, of text, after another message",
    );
  return { messages: all.slice(0, -1), ...(last.content !== "" && { begun: last.content }) };
}

function toForm(body: ChatCompletionBody): AnswerForm {
  const { response_format: format, json_schema: schema } = body;
  return askedForm(body, [
    ["response_format", formOf(format)],
    ["json_schema", isSet(schema) ? { type: "schema", schema, path: "json_schema" } : { type: "text" }],
  ]);
}

function formOf(format: ResponseFormat | null | undefined): AnswerForm {
  if (!isSet(format) || format.type === "text") return { type: "text" };
  if (format.type === "json_object")
    return isSet(format.schema)
      ? { type: "schema", schema: format.schema, path: "response_format.schema" }
      : { type: "json" };
  const path = "response_format.json_schema";
  if (format.json_schema === undefined) throw invalid(path, "is required");
  const { schema } = format.json_schema;
  return isSet(schema) ? { type: "schema", schema, path: `${path}.schema` } : { type: "json" };
}

/** Variables of the template's own have the last word, as in vLLM and llama.cpp. */
function reasoningOf({
  reasoning_effort: effort,
  enable_thinking: isEnabled,
  thinking,
  thinking_budget,
  chat_template_kwargs: variables,
}: ChatCompletionBody): Pick<Turn, "reasoning" | "templateVariables"> {
  const named = variables?.["enable_thinking"] ?? variables?.["thinking"];
  const budget = thinking_budget ?? thinking?.budget_tokens;
  const type = thinking?.type;
  const typed = isSet(type) ? type !== "disabled" : undefined;
  const switched = isEnabled ?? typed ?? (isSet(effort) ? effort !== "none" : undefined);
  return {
    reasoning: {
      thinks: typeof named === "boolean" ? named : switched,
      ...(isSet(effort) && effort !== "none" && { effort }),
      ...(typeof budget === "number" && { budgetTokens: budget }),
    },
    ...(isSet(variables) && { templateVariables: variables }),
  };
}
