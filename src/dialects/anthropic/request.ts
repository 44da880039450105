import type { ChatMessage } from "../../assistant/template/message.ts";
import type { ReasoningWish } from "../../assistant/template/reasoning-wish.ts";
import type { AnswerForm, Turn } from "../../assistant/turn.ts";
import { isSet } from "../../platform/schema/nullable.ts";
import { localSampling, seedOf } from "../local-sampling.ts";
import type { Note } from "../notes.ts";
import { accountFor } from "../refusals.ts";
import { systemText, toMessages } from "./messages.ts";
import type { CountTokensBody, MessagesBody } from "./schema.ts";
import { toToolChoice, toTools } from "./tools.ts";
import type { Toolsets } from "./toolsets.ts";
import { unsupported } from "./unsupported.ts";

/** A turn, and what of its request is not done as asked. */
export interface Request {
  readonly turn: Turn;
  readonly notes: readonly Note[];
}

/** What a message asks of the assistant. @throws InvalidRequestError naming the field */
export function toRequest(body: MessagesBody, toolsets: Toolsets): Request {
  const notes = accountFor(body, unsupported);
  const { temperature, top_p, seed, tool_choice: choice, thinking } = body;
  const effort = body.output_config?.effort;
  const turn: Turn = {
    ...toConversation(body, toolsets, notes),
    toolChoice: toToolChoice(choice),
    parallelToolCalls: choice?.disable_parallel_tool_use !== true,
    form: toForm(body),
    sampling: {
      temperature: temperature ?? 1,
      ...(isSet(top_p) && { topP: top_p }),
      ...localSampling(body),
      ...seedOf(seed),
    },
    maxTokens: body.max_tokens,
    stop: body.stop_sequences ?? [],
    reasoning: reasoningOf(thinking, effort),
  };
  return { turn, notes };
}

/** A level of effort is taken whether or not thoughts are asked for. */
function reasoningOf(thinking: MessagesBody["thinking"], effort: string | null | undefined): ReasoningWish {
  const budget = thinking?.budget_tokens;
  return {
    ...(isSet(thinking) && { thinks: thinking.type !== "disabled" }),
    ...(isSet(effort) && { effort }),
    ...(typeof budget === "number" && { budgetTokens: budget }),
  };
}

function toForm({ output_config: config, output_format: older }: MessagesBody): AnswerForm {
  if (isSet(config?.format))
    return { type: "schema", schema: config.format.schema, path: "output_config.format.schema" };
  return isSet(older)
    ? { type: "schema", schema: older.schema, path: "output_format.schema" }
    : { type: "text" };
}

/** The part of a request whose tokens count as input. A last message of the assistant's is an answer to continue. */
export function toConversation(
  body: CountTokensBody,
  toolsets: Toolsets,
  notes: Note[],
): Pick<Turn, "messages" | "tools" | "begun"> {
  const system = systemText(body.system, notes);
  const messages: ChatMessage[] = [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    ...body.messages.flatMap(({ role, content }, index) =>
      toMessages(role, content, `messages[${index}]`, notes),
    ),
  ];
  const last = messages.at(-1);
  const isBegun = messages.length > 1 && last?.role === "assistant" && last.toolCalls === undefined;
  return {
    messages: isBegun ? messages.slice(0, -1) : messages,
    ...(isBegun && last.content !== "" && { begun: last.content }),
    tools: toTools(body, toolsets, notes),
  };
}
