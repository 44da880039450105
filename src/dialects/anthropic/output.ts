import { createHash } from "node:crypto";
import type { TurnEnd, TurnEvent } from "../../assistant/turn.ts";
import { totalOf } from "../answers-total.ts";
import { parsedArguments } from "../content.ts";
import type { HostedOutcome } from "../hosted-calls.ts";
import type { Toolsets } from "./toolsets.ts";

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
  | { readonly kind: "call"; readonly id: string; readonly name: string; text: string }
  | RemoteCall
  | { readonly kind: "result"; readonly callId: string; readonly outcome: HostedOutcome };

/** A call of an MCP server's tool, which this server runs. */
export interface RemoteCall {
  readonly kind: "remote";
  readonly id: string;
  /** By which the model called the tool. */
  readonly called: string;
  /** The client's words for it. */
  readonly name: string;
  readonly server: string;
  /** JSON of the arguments, whole where `isWhole`. */
  text: string;
  isWhole: boolean;
}

/** Fields that Anthropic's schema requires and that say nothing here. */
const nothingElse = { cache_creation_input_tokens: 0, server_tool_use: null };
/** Those of a whole message's usage, which `message_delta` has not. */
const notSent = { cache_creation: null, inference_geo: null, service_tier: "standard", speed: null };
const notEnded = { container: null, stop_details: null, stop_reason: null, stop_sequence: null };
/** The caller of the tool: the model itself, not code that it wrote. */
const direct = { caller: { type: "direct" } };

/** Makes Anthropic's events and content blocks of answers, and of the calls between them. */
export class MessageOutput {
  readonly #head: MessageHead;
  readonly #toolsets: Toolsets;
  readonly #blocks: Block[] = [];
  readonly #ends: TurnEnd[] = [];
  #hasStarted = false;
  /** Place of the first block of the answer that is taken. */
  #first = 0;

  /** `head`: the message's own fields. */
  constructor(head: MessageHead, toolsets: Toolsets) {
    this.#head = head;
    this.#toolsets = toolsets;
  }

  *take(event: TurnEvent): Iterable<MessageEvent> {
    switch (event.type) {
      case "started":
        this.#first = this.#blocks.length;
        yield* this.#start(event.promptTokens, event.cachedPromptTokens);
        break;
      case "block_start":
        yield this.#open(this.#toBlock(event));
        break;
      case "delta": {
        const block = this.#block(event.block);
        block.text += event.text;
        const index = this.#first + event.block;
        yield { type: "content_block_delta", index, delta: toDelta(block, event.text) };
        break;
      }
      case "block_end": {
        const block = this.#block(event.block);
        const index = this.#first + event.block;
        if (block.kind === "remote") block.isWhole = event.isCut !== true;
        if (block.kind === "reasoning") {
          const delta = { type: "signature_delta", signature: signatureOf(block.text) };
          yield { type: "content_block_delta", index, delta };
        }
        yield { type: "content_block_stop", index };
        break;
      }
      case "done":
        this.#ends.push(event);
        break;
    }
  }

  /** What came of a call of the last answer. */
  *takeResult({ id: callId }: RemoteCall, outcome: HostedOutcome): Iterable<MessageEvent> {
    const opened = this.#open({ kind: "result", callId, outcome });
    yield opened;
    yield { type: "content_block_stop", index: opened["index"] };
  }

  /** The message is over. */
  *finish(): Iterable<MessageEvent> {
    yield { type: "message_delta", delta: ending(this.#end), usage: toUsage(this.#ends) };
    yield { type: "message_stop" };
  }

  /** Calls of the last answer that are to be run here, and whether the client has some to run too. */
  get calls(): { readonly remote: readonly RemoteCall[]; readonly hasOwn: boolean } {
    const blocks = this.#end.finishReason === "length" ? [] : this.#blocks.slice(this.#first);
    return {
      remote: blocks.filter((block) => block.kind === "remote").filter(({ isWhole }) => isWhole),
      hasOwn: blocks.some(({ kind }) => kind === "call"),
    };
  }

  /** The content since the last answer began. */
  get latest(): readonly object[] {
    return this.#blocks.slice(this.#first).flatMap(describe);
  }

  /** Tokens that the answers have by now. */
  get outputTokens(): number {
    return this.#ends.reduce((total, { usage }) => total + usage.completionTokens, 0);
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

  /** The whole message, when it is over. */
  get message(): Message {
    const usage = { ...notSent, ...toUsage(this.#ends) };
    return { ...this.#head, content: this.#blocks.flatMap(describe), ...ending(this.#end), usage };
  }

  get #end(): TurnEnd {
    const end = this.#ends.at(-1);
    if (end === undefined) throw new Error("an answer ended without saying how");
    return end;
  }

  #open(block: Block): MessageEvent {
    this.#blocks.push(block);
    return {
      type: "content_block_start",
      index: this.#blocks.length - 1,
      content_block: opened(block),
    };
  }

  #block(index: number): Exclude<Block, { readonly kind: "result" }> {
    const block = this.#blocks[this.#first + index];
    if (block === undefined || block.kind === "result")
      throw new Error("more of a block that was not opened");
    return block;
  }

  #toBlock(event: Extract<TurnEvent, { type: "block_start" }>): Block {
    if (event.kind !== "call") return { kind: event.kind, text: "" };
    const { id, name: called } = event;
    const tool = this.#toolsets.get(called);
    if (tool === undefined)
      return { kind: "call", id: id.replace(/^call_/, "toolu_"), name: called, text: "" };
    const { name } = tool.remote.tool;
    const mcpId = id.replace(/^call_/, "mcptoolu_");
    return { kind: "remote", id: mcpId, called, name, server: tool.server, text: "", isWhole: false };
  }
}

function opened(block: Block): object {
  switch (block.kind) {
    case "text":
      return { type: "text", text: "", citations: [] };
    case "reasoning":
      return { type: "thinking", thinking: "", signature: "" };
    case "call":
      return { type: "tool_use", id: block.id, name: block.name, input: {}, ...direct };
    case "remote":
      return { type: "mcp_tool_use", id: block.id, name: block.name, server_name: block.server, input: {} };
    case "result":
      return resultOf(block.callId, block.outcome);
  }
}

function resultOf(callId: string, { output, error }: HostedOutcome): object {
  const content = [{ type: "text", text: error ?? output ?? "", citations: null }];
  return { type: "mcp_tool_result", tool_use_id: callId, is_error: error !== null, content };
}

function toDelta({ kind }: Exclude<Block, { readonly kind: "result" }>, text: string): object {
  switch (kind) {
    case "text":
      return { type: "text_delta", text };
    case "reasoning":
      return { type: "thinking_delta", thinking: text };
    case "call":
    case "remote":
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
    case "remote": {
      const input = parsedArguments(block.text);
      const { id, name, server: server_name } = block;
      return input === undefined ? [] : [{ type: "mcp_tool_use", id, name, server_name, input }];
    }
    case "result":
      return [resultOf(block.callId, block.outcome)];
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
function toUsage(ends: readonly TurnEnd[]) {
  const { usage } = totalOf(ends);
  return {
    ...nothingElse,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    input_tokens: usage.promptTokens - usage.cachedPromptTokens,
    output_tokens: usage.completionTokens,
    cache_read_input_tokens: usage.cachedPromptTokens,
  };
}
