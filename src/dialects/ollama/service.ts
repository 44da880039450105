import type { Assistant } from "../../assistant/assistant.ts";
import type { TurnEnd } from "../../assistant/turn.ts";
import type { ModelNames } from "../../serving/model-names.ts";
import { accountField } from "../../telemetry/answer-account.ts";
import type { RequestContext } from "../../telemetry/request-context.ts";
import { namingFields } from "../field-names.ts";
import { noteInLog, notHonoured } from "../notes.ts";
import type { Listed } from "./models.ts";
import { AnswerPieces, ending, type Piece } from "./output.ts";
import { type Request, toChatRequest, toGenerateRequest } from "./request.ts";
import type { ChatBody, GenerateBody } from "./schema.ts";

/** One line of a stream; the last one is `done`. */
export interface Line {
  readonly done: boolean;
  readonly [field: string]: unknown;
}

export interface Services {
  readonly assistant: Assistant;
  readonly models: ModelNames;
}

/** `/api/chat` and `/api/generate`: Ollama's shape over the same assistant. */
export class Ollama {
  readonly #assistant: Assistant;
  readonly #models: ModelNames;

  constructor({ assistant, models }: Services) {
    this.#assistant = assistant;
    this.#models = models;
  }

  /** Every model, by the names that it has here. */
  get models(): readonly Listed[] {
    return this.#models.all.map((name) => ({ name, model: this.#models.find(name) }));
  }

  /** Ollama's clients put a tag behind a name. @throws ApiError `not_found` */
  find(name: string): Listed {
    const plain = name.replace(/:latest$/, "");
    return { name, model: this.#models.find(plain) };
  }

  chat(body: ChatBody, context: RequestContext): AsyncIterable<Line> {
    const isEmpty = (body.messages ?? []).length === 0;
    const line = ({ content = "", thinking, call }: Piece) => ({
      message: {
        role: "assistant",
        content,
        ...(thinking !== undefined && { thinking }),
        ...(call !== undefined && { tool_calls: [call] }),
      },
    });
    return this.#answer(body, isEmpty ? undefined : () => toChatRequest(body), line, context);
  }

  generate(body: GenerateBody, context: RequestContext): AsyncIterable<Line> {
    const isEmpty = (body.prompt ?? "") === "" && (body.system ?? "") === "";
    const line = ({ content = "", thinking }: Piece) => ({
      response: content,
      ...(thinking !== undefined && { thinking }),
    });
    return this.#answer(body, isEmpty ? undefined : () => toGenerateRequest(body), line, context);
  }

  /** Without a request a client only wants the model loaded, which it is. */
  async *#answer(
    body: Pick<ChatBody, "model" | "include">,
    toRequest: (() => Request) | undefined,
    line: (piece: Piece) => object,
    context: RequestContext,
  ): AsyncIterable<Line> {
    const { model: name } = body;
    this.find(name);
    const head = () => ({ model: name, created_at: new Date().toISOString() });
    if (toRequest === undefined) {
      yield { ...head(), ...line({}), done: true, done_reason: "load" };
      return;
    }
    const { turn, notes } = toRequest();
    noteInLog(context.account, notes);
    const plan = await this.#assistant.plan(turn);
    const pieces = new AnswerPieces();
    let end: TurnEnd | undefined;
    const names = { prompt: "messages", maxTokens: "options.num_predict" };
    for await (const event of namingFields(this.#assistant.answer(plan, 0, context), names)) {
      for (const piece of pieces.take(event)) yield { ...head(), ...line(piece), done: false };
      if (event.type === "done") end = event;
    }
    if (end === undefined) throw new Error("an answer ended without saying how");
    yield { ...head(), ...line({}), ...ending(end), ...notHonoured(notes), ...accountField(body, context) };
  }
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
