import type { Assistant } from "../../assistant/assistant.ts";
import type { TurnEnd } from "../../assistant/turn.ts";
import { parseDuration } from "../../platform/duration.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { noteInLog, notesOfChanges, notHonoured } from "../notes.ts";
import { withSigns } from "../sign-of-life.ts";
import { AnswerPieces, ending, type Piece } from "./output.ts";
import { type Request, toChatRequest, toGenerateRequest } from "./request.ts";
import type { ChatBody, GenerateBody } from "./schema.ts";

/** One line of a stream; the last one is `done`. */
export interface Line {
  readonly done: boolean;
  readonly [field: string]: unknown;
}

/** `/api/chat` and `/api/generate`: Ollama's shape over a model's assistant. */
export class Ollama {
  readonly #assistant: Assistant;
  readonly #isPinned: () => boolean;

  constructor(assistant: Assistant, isPinned: () => boolean) {
    this.#assistant = assistant;
    this.#isPinned = isPinned;
  }

  chat(body: ChatBody, context: RequestContext): AsyncIterable<Line> {
    const line = ({ content = "", thinking, call }: Piece) => ({
      message: {
        role: "assistant",
        content,
        ...(thinking !== undefined && { thinking }),
        ...(call !== undefined && { tool_calls: [call] }),
      },
    });
    return this.#answer(body, isEmpty(body) ? undefined : () => toChatRequest(body), line, context);
  }

  generate(body: GenerateBody, context: RequestContext): AsyncIterable<Line> {
    const line = ({ content = "", thinking }: Piece) => ({
      response: content,
      ...(thinking !== undefined && { thinking }),
    });
    return this.#answer(body, isEmpty(body) ? undefined : () => toGenerateRequest(body), line, context);
  }

  /** Without a request a client only wants the model loaded, which it is, or unloaded, which its lease sees to. */
  async *#answer(
    body: Pick<ChatBody, "model" | "include" | "keep_alive">,
    toRequest: (() => Request) | undefined,
    line: (piece: Piece) => object,
    context: RequestContext,
  ): AsyncIterable<Line> {
    const { model: name } = body;
    const unloads = parseDuration(body.keep_alive ?? -1) === 0;
    const head = () => ({ model: name, created_at: new Date().toISOString() });
    if (toRequest === undefined) {
      yield { ...head(), ...line({}), done: true, done_reason: unloads ? "unload" : "load" };
      return;
    }
    const { turn, notes } = toRequest();
    const plan = await this.#assistant.plan(turn, context.signal);
    const kept = { param: "keep_alive", reason: "the model is pinned: it stays in memory" };
    const all = [
      ...notes,
      ...(unloads && this.#isPinned() ? [kept] : []),
      ...notesOfChanges(plan.changes, "messages"),
    ];
    noteInLog(context.account, all);
    const pieces = new AnswerPieces();
    let end: TurnEnd | undefined;
    const names = { prompt: "messages", maxTokens: "options.num_predict" };
    const events = namingFields(this.#assistant.answer(plan, 0, context), names);
    const told = async function* (): AsyncIterable<Piece> {
      for await (const event of events) {
        yield* pieces.take(event);
        if (event.type === "done") end = event;
      }
    };
    for await (const piece of withSigns(told(), () => [{}])) yield { ...head(), ...line(piece), done: false };
    if (end === undefined) throw new Error("an answer ended without saying how");
    yield { ...head(), ...line({}), ...ending(end), ...notHonoured(all), ...accountField(body, context) };
  }
}

function isEmpty(body: ChatBody | GenerateBody): boolean {
  return "prompt" in body || "system" in body
    ? (body.prompt ?? "") === "" && (body.system ?? "") === ""
    : !("messages" in body) || (body.messages ?? []).length === 0;
}

/** The request has nothing to answer, and asks for the model to be unloaded. */
export function isUnloading(body: ChatBody | GenerateBody): boolean {
  return isEmpty(body) && parseDuration(body.keep_alive ?? -1) === 0;
}

/** A stream's lines as the one answer that they add up to. */
export async function whole(lines: AsyncIterable<Line>): Promise<object> {
  const sum = { content: "", thinking: "", calls: [] as unknown[], response: "" };
  let last: Line | undefined;
  for await (const line of lines) {
    const {
      content = "",
      thinking = "",
      tool_calls: calls = [],
    } = (line["message"] ?? {}) as {
      content?: string;
      thinking?: string;
      tool_calls?: readonly unknown[];
    };
    sum.content += content;
    sum.thinking += thinking + ((line["thinking"] as string | undefined) ?? "");
    sum.response += (line["response"] as string | undefined) ?? "";
    sum.calls.push(...calls);
    last = line;
  }
  if (last === undefined) throw new Error("an answer without a line");
  const { content, thinking, calls, response } = sum;
  const thoughts = thinking === "" ? {} : { thinking };
  if (last["message"] === undefined) return { ...last, response, ...thoughts };
  const message = { role: "assistant", content, ...thoughts, ...(calls.length > 0 && { tool_calls: calls }) };
  return { ...last, message };
}
