import type { ChatMessage } from "../../../assistant/template/message.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { invalid, textOf } from "../../content.ts";
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
