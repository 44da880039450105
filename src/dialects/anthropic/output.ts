import { createHash } from "node:crypto";
import type { TurnEnd, TurnEvent } from "../../assistant/turn.ts";
import { parsedArguments } from "../content.ts";

/** An event of a message's stream. */
export interface MessageEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What every message says of itself. */
export interface MessageHead {
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly model: string;
  readonly diagnostics: null;
}

/** A whole message, as in Anthropic's API reference. */
export interface Message extends MessageHead {
  readonly content: readonly object[];
  readonly stop_reason: string | null;
  readonly usage: object;
}

/** A content block as it comes together. */
type Block =
  | { readonly kind: "text"; text: string }
  | { readonly kind: "reasoning"; text: string }
  | { readonly kind: "call"; readonly id: string; readonly name: string; text: string };

/** Fields that Anthropic's schema requires and that say nothing here. */
const nothingElse = { cache_creation_input_tokens: 0, server_tool_use: null };
/** Those of a whole message's usage, which `message_delta` has not. */
const notSent = { cache_creation: null, inference_geo: null, service_tier: "standard", speed: null };
const notEnded = { container: null, stop_details: null, stop_reason: null, stop_sequence: null };
/** The caller of the tool: the model itself, not code that it wrote. */
const direct = { caller: { type: "direct" } };

/** Makes Anthropic's events and content blocks of an answer's. */
export class MessageOutput {
  readonly #head: MessageHead;
  readonly #blocks: Block[] = [];
  #hasStarted = false;
  #end: TurnEnd | undefined;

  /** `head`: the message's own fields. */
  constructor(head: MessageHead) {
    this.#head = head;
  }

  *take(event: TurnEvent): Iterable<MessageEvent> {
    switch (event.type) {
      case "started":
        yield* this.#start(event.promptTokens, event.cachedPromptTokens);
        break;
      case "block_start": {
        const block = toBlock(event);
        this.#blocks.push(block);
        yield { type: "content_block_start", index: event.block, content_block: opened(block) };
        break;
      }
      case "delta": {
        const block = this.#block(event.block);
        block.text += event.text;
        yield { type: "content_block_delta", index: event.block, delta: toDelta(block, event.text) };
        break;
      }
      case "block_end": {
        const block = this.#block(event.block);
        if (block.kind === "reasoning") {
          const delta = { type: "signature_delta", signature: signatureOf(block.text) };
          yield { type: "content_block_delta", index: event.block, delta };
        }
        yield { type: "content_block_stop", index: event.block };
        break;
      }
      case "done":
        this.#end = event;
        yield { type: "message_delta", delta: ending(event), usage: toUsage(event) };
        yield { type: "message_stop" };
        break;
    }
  }

  /** What shows a client that the message is on its way; the input is counted by then or not until its end. */
  *signOfLife(): Iterable<MessageEvent> {
    yield* this.#start(0, 0);
    yield { type: "ping" };
  }

  *#start(promptTokens: number, cachedPromptTokens: number): Iterable<MessageEvent> {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    const usage = {
      ...nothingElse,
      ...notSent,
      output_tokens_details: null,
      input_tokens: promptTokens - cachedPromptTokens,
      output_tokens: 0,
      cache_read_input_tokens: cachedPromptTokens,
    };
    yield { type: "message_start", message: { ...this.#head, content: [], ...notEnded, usage } };
    yield { type: "ping" };
  }

  /** The whole message, when the answer is over. */
  get message(): Message {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    const usage = { ...notSent, ...toUsage(this.#end) };
    return { ...this.#head, content: this.#blocks.flatMap(describe), ...ending(this.#end), usage };
  }

  #block(index: number): Block {
    const block = this.#blocks[index];
    if (block === undefined) throw new Error("more of a block that was not opened");
    return block;
  }
}

function toBlock(event: Extract<TurnEvent, { type: "block_start" }>): Block {
  if (event.kind !== "call") return { kind: event.kind, text: "" };
  return { kind: "call", id: event.id.replace(/^call_/, "toolu_"), name: event.name, text: "" };
}

function opened(block: Block): object {
  switch (block.kind) {
    case "text":
      return { type: "text", text: "", citations: [] };
    case "reasoning":
      return { type: "thinking", thinking: "", signature: "" };
    case "call":
      return { type: "tool_use", id: block.id, name: block.name, input: {}, ...direct };
  }
}

function toDelta({ kind }: Block, text: string): object {
  switch (kind) {
    case "text":
      return { type: "text_delta", text };
    case "reasoning":
      return { type: "thinking_delta", thinking: text };
    case "call":
      return { type: "input_json_delta", partial_json: text };
  }
}

function describe(block: Block): object[] {
  switch (block.kind) {
    case "text":
      return [{ type: "text", text: block.text, citations: [] }];
    case "reasoning":
      return [{ type: "thinking", thinking: block.text, signature: signatureOf(block.text) }];
    case "call": {
      const input = parsedArguments(block.text);
      // Half a call, run with what there is of it, would do something else.
      return input === undefined
        ? []
        : [{ type: "tool_use", id: block.id, name: block.name, input, ...direct }];
    }
  }
}

/** Anthropic's clients send thoughts back with what signs them. Here any thoughts may be sent, so it is their digest. */
function signatureOf(thoughts: string): string {
  return createHash("sha256").update(thoughts).digest("base64");
}

function ending({ finishReason, stopText, windowFull }: TurnEnd) {
  const length = windowFull === true ? "model_context_window_exceeded" : "max_tokens";
  const reasons = { stop: "end_turn", length, tool_calls: "tool_use" } as const;
  const isSequence = finishReason === "stop" && stopText !== undefined;
  return {
    ...notEnded,
    stop_reason: isSequence ? "stop_sequence" : reasons[finishReason],
    stop_sequence: isSequence ? stopText : null,
  };
}

/** Anthropic counts cached input apart. */
function toUsage({ usage }: TurnEnd) {
  return {
    ...nothingElse,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    input_tokens: usage.promptTokens - usage.cachedPromptTokens,
    output_tokens: usage.completionTokens,
    cache_read_input_tokens: usage.cachedPromptTokens,
  };
}
