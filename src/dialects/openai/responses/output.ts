import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import { newId } from "../../ids.ts";
import { type TokenLogprob, toTokenLogprobs } from "../logprobs.ts";
import type { ClientTool } from "./tools.ts";

/** An event of a response's stream, before it is numbered. */
export interface OutputEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface MessageItem {
  readonly kind: "text";
  readonly id: string;
  text: string;
  readonly tokens: ScoredToken[];
  isDone: boolean;
}

interface ReasoningItem {
  readonly kind: "reasoning";
  readonly id: string;
  text: string;
  isDone: boolean;
}

interface CallItem {
  readonly kind: "call";
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  text: string;
  isDone: boolean;
}

type Item = MessageItem | ReasoningItem | CallItem;

export interface OutputOptions {
  readonly hasLogprobs: boolean;
  /** Thoughts are told as a summary too, for clients that show only that. */
  readonly hasSummary: boolean;
  /** How the client knows a tool that the model calls. */
  readonly clientTool: (name: string) => ClientTool;
}

/** Makes a response's output items of an answer's blocks, and the events that a stream tells of them. */
export class ResponseOutput {
  readonly #options: OutputOptions;
  readonly #items: Item[] = [];
  #end: TurnEnd | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  *take(event: TurnEvent): Iterable<OutputEvent> {
    switch (event.type) {
      case "started":
        break;
      case "block_start":
        yield* this.#open(toItem(event));
        break;
      case "delta":
        yield* this.#grow(this.#item(event.block), event.text, event.tokens);
        break;
      case "block_end":
        yield* this.#finish(this.#item(event.block));
        break;
      case "done":
        // An answer of nothing is still an answer.
        if (this.#items.length === 0) {
          const item = toItem({ kind: "text" });
          yield* this.#open(item);
          yield* this.#finish(item);
        }
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
    const textOf = (kind: Item["kind"]) =>
      this.#items.map((item) => (item.kind === kind ? item.text : "")).join("");
    const calls = this.#items.filter((item) => item.kind === "call");
    const reasoning = textOf("reasoning");
    return {
      role: "assistant",
      content: textOf("text"),
      ...(reasoning !== "" && { reasoning }),
      ...(calls.length > 0 && {
        toolCalls: calls.map(({ callId, name, text }) => ({ id: callId, name, arguments: text })),
      }),
    };
  }

  *#open(item: Item): Iterable<OutputEvent> {
    this.#items.push(item);
    const place = this.#place(item);
    const opened = { ...this.#describe(item), ...(item.kind !== "call" && { content: [] }) };
    yield { type: "response.output_item.added", output_index: place.output_index, item: opened };
    if (item.kind === "text") {
      yield { type: "response.content_part.added", ...place, content_index: 0, part: this.#part(item) };
    } else if (item.kind === "reasoning") {
      const part = { type: "reasoning_text", text: "" };
      yield { type: "response.content_part.added", ...place, content_index: 0, part };
      if (this.#options.hasSummary) {
        const summary = { type: "summary_text", text: "" };
        yield { type: "response.reasoning_summary_part.added", ...place, summary_index: 0, part: summary };
      }
    }
  }

  *#grow(item: Item, delta: string, tokens: readonly ScoredToken[]): Iterable<OutputEvent> {
    const place = this.#place(item);
    item.text += delta;
    switch (item.kind) {
      case "text": {
        item.tokens.push(...tokens);
        const logprobs = this.#options.hasLogprobs ? withoutBytes(toTokenLogprobs(tokens)) : [];
        yield { type: "response.output_text.delta", ...place, content_index: 0, delta, logprobs };
        break;
      }
      case "reasoning":
        yield { type: "response.reasoning_text.delta", ...place, content_index: 0, delta };
        if (this.#options.hasSummary)
          yield { type: "response.reasoning_summary_text.delta", ...place, summary_index: 0, delta };
        break;
      case "call":
        yield { type: "response.function_call_arguments.delta", ...place, delta };
        break;
    }
  }

  *#finish(item: Item): Iterable<OutputEvent> {
    const place = this.#place(item);
    const { text } = item;
    switch (item.kind) {
      case "text": {
        const part = this.#part(item);
        const logprobs = withoutBytes(part.logprobs);
        yield { type: "response.output_text.done", ...place, content_index: 0, text, logprobs };
        yield { type: "response.content_part.done", ...place, content_index: 0, part };
        break;
      }
      case "reasoning": {
        const part = { type: "reasoning_text", text };
        yield { type: "response.reasoning_text.done", ...place, content_index: 0, text };
        yield { type: "response.content_part.done", ...place, content_index: 0, part };
        if (this.#options.hasSummary) {
          const summary = { type: "summary_text", text };
          yield { type: "response.reasoning_summary_text.done", ...place, summary_index: 0, text };
          yield { type: "response.reasoning_summary_part.done", ...place, summary_index: 0, part: summary };
        }
        break;
      }
      case "call":
        yield {
          type: "response.function_call_arguments.done",
          ...place,
          name: this.#options.clientTool(item.name).name,
          arguments: text,
        };
        break;
    }
    item.isDone = true;
    yield { type: "response.output_item.done", output_index: place.output_index, item: this.#describe(item) };
  }

  #item(block: number): Item {
    const item = this.#items[block];
    if (item === undefined) throw new Error("more of a block that was not opened");
    return item;
  }

  #place(item: Item) {
    return { item_id: item.id, output_index: this.#items.indexOf(item) };
  }

  #part({ text, tokens }: MessageItem) {
    const logprobs = this.#options.hasLogprobs ? toTokenLogprobs(tokens) : [];
    return { type: "output_text", text, annotations: [], logprobs };
  }

  #describe(item: Item): object {
    const status = item.isDone ? "completed" : "in_progress";
    const { id, text } = item;
    switch (item.kind) {
      case "text":
        return { type: "message", id, status, role: "assistant", content: [this.#part(item)] };
      case "reasoning": {
        const summary = this.#options.hasSummary && item.isDone ? [{ type: "summary_text", text }] : [];
        return { type: "reasoning", id, status, summary, content: [{ type: "reasoning_text", text }] };
      }
      case "call":
        return {
          type: "function_call",
          id,
          call_id: item.callId,
          ...nameOf(this.#options.clientTool(item.name)),
          arguments: text,
          status,
        };
    }
  }
}

function nameOf({ name, namespace }: ClientTool): object {
  return { name, ...(namespace !== undefined && { namespace }) };
}

type Start = Extract<TurnEvent, { type: "block_start" }>;

function toItem(event: Pick<Extract<Start, { kind: "text" | "reasoning" }>, "kind"> | Start): Item {
  switch (event.kind) {
    case "text":
      return { kind: "text", id: newId("msg_"), text: "", tokens: [], isDone: false };
    case "reasoning":
      return { kind: "reasoning", id: newId("rs_"), text: "", isDone: false };
    case "call": {
      const { id: callId, name } = event;
      return { kind: "call", id: newId("fc_"), callId, name, text: "", isDone: false };
    }
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
