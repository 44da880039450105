import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import { newId } from "../accounting.ts";
import { type TokenLogprob, toTokenLogprobs } from "../logprobs.ts";

/** An event of a response's stream, before it is numbered. */
export interface OutputEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface MessageItem {
  readonly type: "message";
  readonly id: string;
  text: string;
  readonly tokens: ScoredToken[];
  isDone: boolean;
}

interface CallItem {
  readonly type: "function_call";
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  arguments: string;
  isDone: boolean;
}

type Item = MessageItem | CallItem;

/** Puts a response's output items together, and tells what a stream says of them as they grow. */
export class ResponseOutput {
  readonly #hasLogprobs: boolean;
  readonly #items: Item[] = [];
  #end: TurnEnd | undefined;

  constructor(hasLogprobs: boolean) {
    this.#hasLogprobs = hasLogprobs;
  }

  *take(event: TurnEvent): Iterable<OutputEvent> {
    switch (event.type) {
      case "content":
        if (event.text !== "" || event.tokens.length > 0) yield* this.#addText(event.text, event.tokens);
        break;
      case "call":
        yield* this.#finishLast();
        yield* this.#open({
          type: "function_call",
          id: newId("fc_"),
          callId: event.id,
          name: event.name,
          arguments: "",
          isDone: false,
        });
        break;
      case "arguments": {
        const item = this.#items.at(-1);
        if (item?.type !== "function_call") throw new Error("arguments without a call");
        item.arguments += event.text;
        yield { type: "response.function_call_arguments.delta", ...this.#place(item), delta: event.text };
        break;
      }
      case "done":
        // An answer of nothing is still an answer.
        if (this.#items.length === 0) yield* this.#addText("", []);
        yield* this.#finishLast();
        this.#end = event;
        break;
    }
  }

  get end(): TurnEnd {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }

  get items(): readonly object[] {
    return this.#items.map((item) => this.#describe(item));
  }

  /** The output as a message of the conversation, for the responses that continue it. */
  get message(): ChatMessage {
    const calls = this.#items.filter((item) => item.type === "function_call");
    return {
      role: "assistant",
      content: this.#items.map((item) => (item.type === "message" ? item.text : "")).join(""),
      ...(calls.length > 0 && {
        toolCalls: calls.map(({ callId, name, arguments: text }) => ({ id: callId, name, arguments: text })),
      }),
    };
  }

  *#addText(text: string, tokens: readonly ScoredToken[]): Iterable<OutputEvent> {
    let item = this.#items.at(-1);
    if (item?.type !== "message" || item.isDone) {
      item = { type: "message", id: newId("msg_"), text: "", tokens: [], isDone: false };
      yield* this.#open(item);
      yield {
        type: "response.content_part.added",
        ...this.#place(item),
        content_index: 0,
        part: this.#part(item),
      };
    }
    if (item.type !== "message") return;
    item.text += text;
    item.tokens.push(...tokens);
    const logprobs = this.#hasLogprobs ? withoutBytes(toTokenLogprobs(tokens)) : [];
    yield {
      type: "response.output_text.delta",
      ...this.#place(item),
      content_index: 0,
      delta: text,
      logprobs,
    };
  }

  *#open(item: Item): Iterable<OutputEvent> {
    this.#items.push(item);
    const { output_index } = this.#place(item);
    const opened = { ...this.#describe(item), ...(item.type === "message" && { content: [] }) };
    yield { type: "response.output_item.added", output_index, item: opened };
  }

  *#finishLast(): Iterable<OutputEvent> {
    const item = this.#items.at(-1);
    if (item === undefined || item.isDone) return;
    const place = this.#place(item);
    if (item.type === "message") {
      const part = this.#part(item);
      const { text } = part;
      const logprobs = withoutBytes(part.logprobs);
      yield { type: "response.output_text.done", ...place, content_index: 0, text, logprobs };
      yield { type: "response.content_part.done", ...place, content_index: 0, part };
    } else {
      yield { type: "response.function_call_arguments.done", ...place, arguments: item.arguments };
    }
    item.isDone = true;
    yield { type: "response.output_item.done", output_index: place.output_index, item: this.#describe(item) };
  }

  #place(item: Item) {
    return { item_id: item.id, output_index: this.#items.indexOf(item) };
  }

  #part({ text, tokens }: MessageItem) {
    const logprobs = this.#hasLogprobs ? toTokenLogprobs(tokens) : [];
    return { type: "output_text", text, annotations: [], logprobs };
  }

  #describe(item: Item): object {
    const status = item.isDone ? "completed" : "in_progress";
    if (item.type === "message") {
      return { type: item.type, id: item.id, status, role: "assistant", content: [this.#part(item)] };
    }
    const { type, id, callId, name, arguments: text } = item;
    return { type, id, call_id: callId, name, arguments: text, status };
  }
}

/** Events have the scores without the bytes, which the finished part has. */
function withoutBytes(logprobs: readonly TokenLogprob[]): object[] {
  return logprobs.map(({ token, logprob, top_logprobs }) => ({
    token,
    logprob,
    top_logprobs: top_logprobs.map((top) => ({ token: top.token, logprob: top.logprob })),
  }));
}
