import type { Assistant, PlannedTurn } from "../../assistant/assistant.ts";
import type { TurnEnd, TurnEvent, TurnOptions } from "../../assistant/turn.ts";
import type { Engine } from "../../inference/engine.ts";
import type { ModelNames } from "../../serving/model-names.ts";
import { namingFields } from "../field-names.ts";
import { newId } from "../openai/accounting.ts";
import { toConversation, toTurn } from "./request.ts";
import type { CountTokensBody, MessagesBody } from "./schema.ts";

/** An event of a message's stream. */
export interface MessageEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

type Block =
  | { readonly type: "text"; text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; json: string };

export interface Services {
  readonly engine: Engine;
  readonly assistant: Assistant;
  readonly models: ModelNames;
}

/** `POST /v1/messages`: Anthropic's shape over the same assistant. */
export class Messages {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  async countTokens(body: CountTokensBody): Promise<{ readonly input_tokens: number }> {
    const { assistant, engine, models } = this.#services;
    models.find(body.model);
    const { messages, tools } = toConversation(body);
    return { input_tokens: (await engine.tokenize(assistant.render(messages, tools))).length };
  }

  async create(body: MessagesBody, options: TurnOptions): Promise<object> {
    const blocks: Block[] = [];
    let end: TurnEnd | undefined;
    for await (const event of this.#events(await this.#plan(body), options)) {
      if (event.type === "done") end = event;
      else take(blocks, event);
    }
    if (end === undefined) throw new Error("an answer ended without saying how");
    return {
      ...this.#head(body),
      content: blocks.map(describe),
      ...ending(end),
      usage: { ...notSent, ...toUsage(end) },
    };
  }

  /** Anthropic's events in their order: message, blocks with their deltas, how it ended. */
  async *stream(body: MessagesBody, options: TurnOptions): AsyncIterable<MessageEvent> {
    const { engine } = this.#services;
    const plan = await this.#plan(body);
    const blocks: Block[] = [];
    let hasBegun = false;
    for await (const event of this.#events(plan, options)) {
      if (!hasBegun) {
        hasBegun = true;
        // How much of the prompt was cached is known at the end, in `message_delta`.
        const tokens = await engine.tokenize(plan.request.prompt);
        const usage = {
          ...nothingElse,
          ...notSent,
          input_tokens: tokens.length,
          output_tokens: 0,
          cache_read_input_tokens: 0,
        };
        yield { type: "message_start", message: { ...this.#head(body), content: [], ...notEnded, usage } };
        yield { type: "ping" };
      }
      const before = blocks.length;
      if (event.type === "done") {
        if (before > 0) yield { type: "content_block_stop", index: before - 1 };
        yield { type: "message_delta", delta: ending(event), usage: toUsage(event) };
        continue;
      }
      take(blocks, event);
      const index = blocks.length - 1;
      if (blocks.length > before) {
        if (before > 0) yield { type: "content_block_stop", index: before - 1 };
        const block = blocks[index] as Block;
        const opened =
          block.type === "text"
            ? { type: "text", text: "", citations: null }
            : { type: "tool_use", id: block.id, name: block.name, input: {}, ...direct };
        yield { type: "content_block_start", index, content_block: opened };
      }
      const delta = toDelta(event);
      if (delta !== undefined) yield { type: "content_block_delta", index, delta };
    }
    yield { type: "message_stop" };
  }

  #plan(body: MessagesBody): Promise<PlannedTurn> {
    const { assistant, models } = this.#services;
    models.find(body.model);
    return assistant.plan(toTurn(body));
  }

  #events(plan: PlannedTurn, options: TurnOptions): AsyncIterable<TurnEvent> {
    const { assistant } = this.#services;
    return namingFields(assistant.answer(plan, 0, options), { prompt: "messages", maxTokens: "max_tokens" });
  }

  #head(body: MessagesBody) {
    return { id: newId("msg_"), type: "message", role: "assistant", model: body.model, diagnostics: null };
  }
}

/** Fields that Anthropic's schema requires and that say nothing here. */
const nothingElse = { cache_creation_input_tokens: 0, output_tokens_details: null, server_tool_use: null };
/** Those of a whole message's usage, which `message_delta` has not. */
const notSent = { cache_creation: null, inference_geo: null, service_tier: "standard", speed: null };
const notEnded = { container: null, stop_details: null, stop_reason: null, stop_sequence: null };
/** Whoever called the tool: the model itself, and no code of its. */
const direct = { caller: { type: "direct" } };

function take(blocks: Block[], event: Exclude<TurnEvent, TurnEnd>): void {
  const last = blocks.at(-1);
  switch (event.type) {
    case "content":
      if (last?.type === "text") last.text += event.text;
      else blocks.push({ type: "text", text: event.text });
      break;
    case "call":
      blocks.push({ type: "tool_use", id: event.id.replace(/^call_/, "toolu_"), name: event.name, json: "" });
      break;
    case "arguments":
      if (last?.type === "tool_use") last.json += event.text;
      break;
  }
}

function toDelta(event: TurnEvent): object | undefined {
  switch (event.type) {
    case "content":
      return { type: "text_delta", text: event.text };
    case "arguments":
      return { type: "input_json_delta", partial_json: event.text };
    default:
      return undefined;
  }
}

function describe(block: Block): object {
  if (block.type === "text") return { type: "text", text: block.text, citations: null };
  const { type, id, name, json } = block;
  return { type, id, name, input: parseOrEmpty(json), ...direct };
}

/** Arguments that were cut by the limit of tokens are no JSON; `stop_reason` says so. */
function parseOrEmpty(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

function ending({ finishReason, stopText }: TurnEnd) {
  const reasons = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" } as const;
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
    input_tokens: usage.promptTokens - usage.cachedPromptTokens,
    output_tokens: usage.completionTokens,
    cache_read_input_tokens: usage.cachedPromptTokens,
  };
}
