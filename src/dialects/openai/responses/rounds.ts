import type { Assistant } from "../../../assistant/assistant.ts";
import type { ChatMessage } from "../../../assistant/template/message.ts";
import type { TurnEnd } from "../../../assistant/turn.ts";
import type { Engine } from "../../../inference/engine.ts";
import { newId } from "../../../platform/ids.ts";
import type { RequestContext } from "../../../telemetry/request-context.ts";
import { namingFields } from "../../field-names.ts";
import { HostedCalls } from "../../hosted-calls.ts";
import { type AskedCall, callItem } from "./approvals.ts";
import type { MadeAnswer } from "./head.ts";
import { type HostedTool, toolOf } from "./hosted-tools.ts";
import { toMessages } from "./input.ts";
import type { ItemOptions } from "./items.ts";
import { type OutputEvent, ResponseOutput } from "./output.ts";
import type { PreparedResponse } from "./prepared.ts";

const names = { prompt: "input", maxTokens: "max_output_tokens" };

export interface RoundsOptions {
  readonly assistant: Assistant;
  readonly engine: Pick<Engine, "describe" | "tokenize">;
  readonly prepared: PreparedResponse;
  readonly context: RequestContext;
  readonly maxToolCalls: number | undefined;
  readonly items: ItemOptions;
}

/** The model's answers one after another, with the calls of servers' tools that this server runs between them. */
export class Rounds implements MadeAnswer {
  readonly #options: RoundsOptions;
  readonly items: object[] = [];
  readonly ends: TurnEnd[] = [];
  readonly #messages: ChatMessage[];
  #index: number;
  readonly #calls: HostedCalls;

  constructor(options: RoundsOptions) {
    this.#options = options;
    const { prepared, engine, maxToolCalls: maxCalls } = options;
    this.#messages = [...prepared.turn.messages];
    this.#index = prepared.begun.nextIndex;
    this.#calls = new HostedCalls({ engine, signal: options.context.signal, maxCalls });
  }

  /** `started`: the engine has taken an answer, of which nothing is there yet. */
  async *events(): AsyncIterable<OutputEvent | "started"> {
    const { prepared } = this.#options;
    for (const list of prepared.lists) yield* this.#tellList(list);
    for (const call of prepared.approved)
      yield* this.#run(call, toolOf(prepared.hosted, call), call.requestId);
    for (;;) {
      const from = this.items.length;
      const calls = yield* this.#answer();
      let isOver = calls.length === 0 || this.#hasClientCalls(from);
      for (const call of calls) {
        const tool = prepared.hosted.byName.get(call.name);
        const { label = "", tool: { name = "" } = {} } = tool?.remote ?? {};
        const asked: Omit<AskedCall, "requestId"> = { label, name, arguments: call.arguments };
        if (tool?.asks === true) {
          yield* this.#ask(asked);
          isOver = true;
        } else yield* this.#run(asked, tool, null);
      }
      if (isOver) return;
      this.#messages.push(...toMessages(this.items.slice(from), []));
    }
  }

  /** One answer of the model. @returns the calls that it made of servers' tools */
  async *#answer(): AsyncGenerator<
    OutputEvent | "started",
    ReadonlyArray<{ readonly name: string; readonly arguments: string }>
  > {
    const { assistant, prepared, context, items } = this.#options;
    const { turn, hosted } = prepared;
    const isFirst = this.ends.length === 0 && this.#messages.length === turn.messages.length;
    const used = this.ends.reduce((total, { usage }) => total + usage.completionTokens, 0);
    const plan = isFirst
      ? prepared.plan
      : await assistant.plan(
          {
            ...turn,
            messages: this.#messages,
            // What was insisted on has been called; and without calls left there is nothing to call.
            toolChoice: { type: this.#calls.left > 0 ? "auto" : "none" },
            ...(turn.maxTokens !== undefined && { maxTokens: Math.max(1, turn.maxTokens - used) }),
          },
          context.signal,
        );
    const output = new ResponseOutput({ ...items, isRemote: (name) => hosted.byName.has(name) }, this.#index);
    for await (const event of namingFields(assistant.answer(plan, 0, context), names)) {
      if (event.type === "started") yield "started";
      yield* output.take(event);
    }
    this.ends.push(output.end);
    this.items.push(...output.items);
    this.#index = output.nextIndex;
    return output.end.finishReason === "length" ? [] : output.remoteCalls;
  }

  /** Whether the client has to run a call before the model can go on. */
  #hasClientCalls(from: number): boolean {
    return this.items.slice(from).some((item) => {
      const { type } = item as { type?: unknown };
      return type === "function_call" || type === "custom_tool_call";
    });
  }

  async *#run(
    call: Omit<AskedCall, "requestId">,
    tool: HostedTool | undefined,
    requestId: string | null,
  ): AsyncIterable<OutputEvent> {
    const id = newId("mcp_");
    const place = { item_id: id, output_index: this.#index };
    const begun = callItem({ ...call, requestId }, { output: null, error: null }, id);
    yield {
      type: "response.output_item.added",
      output_index: this.#index,
      item: { ...begun, arguments: "", status: "in_progress" },
    };
    yield { type: "response.mcp_call.in_progress", ...place };
    yield { type: "response.mcp_call_arguments.delta", ...place, delta: call.arguments };
    yield { type: "response.mcp_call_arguments.done", ...place, arguments: call.arguments };
    const outcome = await this.#calls.run(id, call.arguments, tool?.remote);
    const item = callItem({ ...call, requestId }, outcome, id);
    yield { type: `response.mcp_call.${item.status}`, ...place };
    yield* this.#end(item);
    if (requestId !== null) this.#messages.push(...toMessages([item], []));
  }

  *#ask({ label, name, arguments: given }: Omit<AskedCall, "requestId">): Iterable<OutputEvent> {
    const item = {
      id: newId("mcpr_"),
      type: "mcp_approval_request",
      server_label: label,
      name,
      arguments: given,
    };
    yield { type: "response.output_item.added", output_index: this.#index, item };
    yield* this.#end(item);
  }

  *#tellList(list: object): Iterable<OutputEvent> {
    const { id, error } = list as { id: string; error: string | null };
    const place = { item_id: id, output_index: this.#index };
    yield { type: "response.output_item.added", output_index: this.#index, item: { ...list, tools: [] } };
    yield { type: "response.mcp_list_tools.in_progress", ...place };
    yield { type: `response.mcp_list_tools.${error === null ? "completed" : "failed"}`, ...place };
    yield* this.#end(list);
  }

  *#end(item: object): Iterable<OutputEvent> {
    this.items.push(item);
    yield { type: "response.output_item.done", output_index: this.#index, item };
    this.#index++;
  }
}
