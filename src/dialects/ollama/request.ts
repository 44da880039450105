import type { DeclaredTool } from "../../assistant/formats/call-expressions.ts";
import type { ChatMessage } from "../../assistant/template/message.ts";
import type { ReasoningWish } from "../../assistant/template/reasoning-wish.ts";
import type { AnswerForm, Turn } from "../../assistant/turn.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { argumentsText, fieldText, invalid, type Part, textOf } from "../content.ts";
import { declareFunction } from "../declared-function.ts";
import { localSampling, seedOf } from "../local-sampling.ts";
import type { Note } from "../notes.ts";
import { accountFor } from "../refusals.ts";
import type { ChatBody, GenerateBody, OllamaMessage, OllamaTool, Options } from "./schema.ts";
import { unsupportedInChat, unsupportedInGenerate } from "./unsupported.ts";

/** A turn, and what of its request is not done as asked. */
export interface Request {
  readonly turn: Turn;
  readonly notes: readonly Note[];
}

/** @throws InvalidRequestError naming the field */
export function toChatRequest(body: ChatBody): Request {
  const notes = accountFor(body, unsupportedInChat);
  const messages = (body.messages ?? []).map((message, index) =>
    toMessage(message, `messages[${index}]`, notes),
  );
  const last = messages.at(-1);
  // A last message of the assistant's is continued, as in Ollama.
  const isBegun = messages.length > 1 && last?.role === "assistant" && last.toolCalls === undefined;
  const turn: Turn = {
    ...settings(body),
    messages: isBegun ? messages.slice(0, -1) : messages,
    ...(isBegun && last.content !== "" && { begun: last.content }),
    tools: (body.tools ?? []).map(toTool),
  };
  return { turn, notes };
}

/** @throws InvalidRequestError naming the field */
export function toGenerateRequest(body: GenerateBody): Request {
  const notes = accountFor(body, unsupportedInGenerate);
  const text = (value: unknown, field: string) => textOf(value, field, { media: "refused", notes });
  const system = text(body.system, "system");
  const turn: Turn = {
    ...settings(body),
    messages: [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      { role: "user", content: text(body.prompt, "prompt") },
    ],
    tools: [],
  };
  return { turn, notes };
}

function settings(body: ChatBody | GenerateBody): Omit<Turn, "messages" | "tools"> {
  const options = body.options ?? {};
  const { num_predict: limit } = options;
  return {
    toolChoice: { type: "auto" },
    parallelToolCalls: true,
    form: toForm(body.format),
    sampling: toSampling(options),
    ...(isSet(limit) && limit > 0 && { maxTokens: limit }),
    stop: isSet(options.stop) ? [options.stop].flat() : [],
    reusable: options.temperature === 0 || seedOf(options.seed).seed !== undefined,
    ...(isSet(body.think) && { reasoning: reasoningOf(body.think) }),
  };
}

/** A switch, or a level. */
function reasoningOf(think: boolean | string): ReasoningWish {
  if (typeof think === "boolean") return { thinks: think };
  return think === "none" ? { thinks: false } : { thinks: true, effort: think };
}

/** Ollama's own defaults, which its users know their models by. */
function toSampling(options: Options): Turn["sampling"] {
  const { temperature, top_k, top_p, presence_penalty, frequency_penalty, seed } = options;
  return {
    temperature: temperature ?? 0.8,
    ...localSampling({ ...options, top_k: top_k ?? 40 }),
    topP: top_p ?? 0.9,
    ...(isSet(presence_penalty) && { presencePenalty: presence_penalty }),
    ...(isSet(frequency_penalty) && { frequencyPenalty: frequency_penalty }),
    ...seedOf(seed),
  };
}

function toForm(format: unknown): AnswerForm {
  if (format === undefined || format === null || format === "") return { type: "text" };
  if (format === "json") return { type: "json" };
  if (typeof format === "object" && !Array.isArray(format))
    return { type: "schema", schema: format, path: "format" };
  throw invalid("format", 'must be "json" or a JSON Schema');
}

function toMessage(message: OllamaMessage, path: string, notes: Note[]): ChatMessage {
  const { role, content, thinking, images, tool_calls: calls, tool_name: name, tool_call_id: id } = message;
  if (isSet(images) && images.length > 0) {
    if (role === "user") throw invalid(`${path}.images`, "can't be read by the served model");
    notes.push({ param: `${path}.images`, reason: "the served model reads no images" });
  }
  return {
    role,
    content: textOf(content, `${path}.content`, { media: role === "user" ? "refused" : "noted", notes }),
    ...(role === "assistant" && isSet(thinking) && thinking !== "" && { reasoning: thinking }),
    ...(isSet(name) && { name }),
    ...(isSet(id) && { toolCallId: id }),
    ...(isSet(calls) &&
      calls.length > 0 && {
        toolCalls: calls.map((call, index) => toCall(call, `${path}.tool_calls[${index}]`, notes)),
      }),
  };
}

function toCall(call: Part, path: string, notes: Note[]) {
  const called = (call["function"] ?? {}) as Part;
  return {
    id: fieldText(call, "id", path, notes),
    name: fieldText(called, "name", `${path}.function`, notes),
    arguments: argumentsText(called["arguments"], `${path}.function.arguments`, notes),
  };
}

function toTool({ function: declared }: OllamaTool, index: number): DeclaredTool {
  const { name, description, parameters } = declared;
  return declareFunction({ name, description, parameters, path: `tools[${index}].function.parameters` });
}
