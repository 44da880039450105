import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import { type TokenLogprob, toTokenLogprobs } from "../logprobs.ts";
import { describeItem, type Item, type ItemOptions, newMessage, textPart, toItem } from "./items.ts";

/** An event of a response's stream, before it is numbered. */
export interface OutputEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Makes a response's output items of an answer's blocks, and a stream's events about them. */
export class ResponseOutput {
  readonly #options: ItemOptions;
  readonly #firstIndex: number;
  readonly #items: Item[] = [];
  readonly #byBlock = new Map<number, Item>();
  /** Calls of servers' tools, which the client is told of when they are run. */
  readonly #remote = new Map<number, { readonly name: string; arguments: string; isWhole: boolean }>();
  #end: TurnEnd | undefined;

  /** `firstIndex`: place of the first item, where followers were told of others before. */
  constructor(options: ItemOptions, firstIndex = 0) {
    this.#options = options;
    this.#firstIndex = firstIndex;
  }

  *take(event: TurnEvent): Iterable<OutputEvent> {
    switch (event.type) {
      case "started":
        break;
      case "block_start":
        if (event.kind === "call" && this.#options.isRemote?.(event.name) === true)
          this.#remote.set(event.block, { name: event.name, arguments: "", isWhole: false });
        else {
          const item = toItem(event, this.#options);
          this.#byBlock.set(event.block, item);
          yield* this.#open(item);
        }
        break;
      case "delta": {
        const remote = this.#remote.get(event.block);
        if (remote !== undefined) remote.arguments += event.text;
        else yield* this.#grow(this.#item(event.block), event.text, event.tokens);
        break;
      }
      case "block_end": {
        const remote = this.#remote.get(event.block);
        if (remote !== undefined) remote.isWhole = event.isCut !== true;
        else yield* this.#finish(this.#item(event.block), event.isCut === true);
        break;
      }
      case "done":
        // An answer of nothing is still an answer.
        if (this.#items.length === 0 && this.#remote.size === 0) {
          const item = newMessage();
          yield* this.#open(item);
          yield* this.#finish(item, event.finishReason === "length");
        }
        this.#end = event;
        break;
    }
  }

  get end(): TurnEnd {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }

  /** Calls of servers' tools that were made to their ends. */
  get remoteCalls(): ReadonlyArray<{ readonly name: string; readonly arguments: string }> {
    return [...this.#remote.values()].filter(({ isWhole }) => isWhole);
  }

  /** Place of the item after the last one. */
  get nextIndex(): number {
    return this.#firstIndex + this.#items.length;
  }

  get items(): readonly object[] {
    return this.#items.map((item) => describeItem(item, this.#options));
  }

  *#open(item: Item): Iterable<OutputEvent> {
    this.#items.push(item);
    const place = this.#place(item);
    const hasContent = item.kind === "text" || item.kind === "reasoning";
    const opened = { ...describeItem(item, this.#options), ...(hasContent && { content: [] }) };
    yield { type: "response.output_item.added", output_index: place.output_index, item: opened };
    if (item.kind === "text") {
      yield {
        type: "response.content_part.added",
        ...place,
        content_index: 0,
        part: textPart(item, this.#options),
      };
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
      case "custom": {
        const input = item.reader.push(delta);
        item.input += input;
        if (input !== "") yield { type: "response.custom_tool_call_input.delta", ...place, delta: input };
        break;
      }
    }
  }

  *#finish(item: Item, isCut: boolean): Iterable<OutputEvent> {
    const place = this.#place(item);
    const { text } = item;
    switch (item.kind) {
      case "text": {
        const part = textPart(item, this.#options);
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
          name: item.tool.name,
          arguments: text,
        };
        break;
      case "custom":
        yield { type: "response.custom_tool_call_input.done", ...place, input: item.input };
        break;
    }
    item.status = isCut ? "incomplete" : "completed";
    yield {
      type: "response.output_item.done",
      output_index: place.output_index,
      item: describeItem(item, this.#options),
    };
  }

  #item(block: number): Item {
    const item = this.#byBlock.get(block);
    if (item === undefined) throw new Error("more of a block that was not opened");
    return item;
  }

  #place(item: Item) {
    return { item_id: item.id, output_index: this.#firstIndex + this.#items.indexOf(item) };
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
