import type { ChatMessage } from "../../../assistant/template/message.ts";
import { InvalidRequestError } from "../../../errors.ts";
import { isSet } from "../fields.ts";
import type { RequestMessage } from "./schema.ts";

/** The conversation in the server's own words. @throws InvalidRequestError naming the message and the part */
export function toMessages(messages: readonly RequestMessage[]): ChatMessage[] {
  return messages.map((message, index) => toMessage(message, `messages[${index}]`));
}

function toMessage(message: RequestMessage, path: string): ChatMessage {
  const { role, content, name, tool_calls, tool_call_id } = message;
  const hasCalls = isSet(tool_calls) && tool_calls.length > 0;
  if (hasCalls && role !== "assistant")
    throw invalid(`${path}.tool_calls`, "is for the assistant's messages");
  if (role === "tool" && !isSet(tool_call_id)) throw invalid(`${path}.tool_call_id`, "is required");
  if (!isSet(content) && !hasCalls) throw invalid(`${path}.content`, "is required");
  return {
    role,
    content: isSet(content) ? textOf(content, `${path}.content`) : "",
    ...(isSet(name) && { name }),
    ...(isSet(tool_call_id) && { toolCallId: tool_call_id }),
    ...(hasCalls && {
      toolCalls: tool_calls.map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      })),
    }),
  };
}

const notText: Readonly<Record<string, string>> = {
  image_url: "images",
  input_image: "images",
  image: "images",
  input_audio: "audio",
  file: "files",
  input_file: "files",
  document: "files",
};

const textTypes = new Set(["text", "input_text", "output_text"]);

/** Text of a message's content: as it is, or its parts put together. @throws InvalidRequestError naming the part */
export function textOf(content: unknown, path: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(path, "must be a string or a list of parts");
  return content.map((part, index) => partText(part, `${path}[${index}]`)).join("");
}

/** Text of one part. @throws InvalidRequestError naming it */
export function partText(part: unknown, path: string): string {
  if (part === null || typeof part !== "object") throw invalid(path, "must be an object with a type");
  const { type, text, refusal } = part as Readonly<Record<string, unknown>>;
  if (textTypes.has(String(type))) return wellFormed(text, `${path}.text`);
  if (type === "refusal") return wellFormed(refusal, `${path}.refusal`);
  const kind = notText[String(type)];
  if (kind !== undefined) throw invalid(`${path}.type`, `is ${type}, and the served model reads no ${kind}`);
  throw invalid(`${path}.type`, "must be text");
}

function wellFormed(text: unknown, path: string): string {
  if (typeof text !== "string") throw invalid(path, "must be a string");
  if (!text.isWellFormed() || text.includes("\0"))
    throw invalid(path, "must be well-formed Unicode text without NUL characters");
  return text;
}

export function invalid(param: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`${param} ${problem}`, { param });
}
