import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { ReasoningWish } from "../../../assistant/template/reasoning-wish.ts";
import type { AnswerForm, Turn } from "../../../assistant/turn.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid } from "../../content.ts";
import type { Note } from "../../notes.ts";
import { accountFor } from "../../refusals.ts";
import { askedForm } from "../answer-form.ts";
import { toSampling, toStop } from "../sampling.ts";
import { unsupportedInResponses } from "../unsupported.ts";
import { type HostedTools, noHostedTools } from "./hosted-tools.ts";
import type { ResponseBody } from "./schema.ts";
import { type Tools, toToolChoice, toTools } from "./tools.ts";

/** A turn, how the client knows its tools, and what of the request is not done as asked. */
export interface Request {
  readonly turn: Turn;
  readonly tools: Tools;
  readonly notes: readonly Note[];
}

/**
 * What a response asks of the assistant, after the conversation so far. Instructions hold for this response only.
 * @throws InvalidRequestError naming the field
 */
export function toRequest(
  body: ResponseBody,
  conversation: readonly ChatMessage[],
  changes: readonly Note[],
  hosted: HostedTools = noHostedTools,
): Request {
  const notes = [...accountFor(body, unsupportedInResponses), ...changes];
  const { instructions, top_logprobs: top, max_output_tokens, max_tokens, reasoning } = body;
  const maxTokens = max_output_tokens ?? max_tokens;
  const wantsLogprobs = body.include?.includes("message.output_text.logprobs") === true || (top ?? 0) > 0;
  const tools = toTools(body, hosted, notes);
  const turn: Turn = {
    messages: [
      ...(isSet(instructions) ? [{ role: "developer", content: instructions }] : []),
      ...conversation,
    ],
    tools: tools.declared,
    toolChoice: toToolChoice(body),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    form: toForm(body),
    sampling: toSampling(body),
    ...(isSet(maxTokens) && { maxTokens }),
    stop: toStop(body.stop),
    ...(wantsLogprobs && { logprobs: top ?? 0 }),
    ...(isSet(reasoning?.effort) && { reasoning: reasoningOf(reasoning?.effort) }),
  };
  return { turn, tools, notes };
}

function reasoningOf(effort: unknown): ReasoningWish {
  return effort === "none" ? { thinks: false } : { thinks: true, effort: String(effort) };
}

function toForm(body: ResponseBody): AnswerForm {
  return askedForm(body, [["text.format", formatOf(body)]]);
}

function formatOf({ text }: ResponseBody): AnswerForm {
  const format = text?.format;
  if (!isSet(format) || format.type === "text") return { type: "text" };
  if (format.type === "json_object") return { type: "json" };
  if (format.schema === undefined) throw invalid("text.format.schema", "is required");
  return { type: "schema", schema: format.schema, path: "text.format.schema" };
}
