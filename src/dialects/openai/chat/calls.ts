import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import { CustomInput, customInput } from "../custom-tools.ts";
import type { ChatCompletion, ChatCompletionChunk } from "./schema.ts";

type Start = Extract<TurnEvent, { type: "block_start"; kind: "call" }>;
type Message = ChatCompletion["choices"][number]["message"];
type Delta = ChatCompletionChunk["choices"][number]["delta"];
type FinishReason = ChatCompletion["choices"][number]["finish_reason"];

/** A call of an answer. */
export interface AnsweredCall {
  readonly start: Start;
  /** JSON text. */
  readonly arguments: string;
}

/** How a client reads the calls of its answers. */
export interface CallForm {
  message(calls: readonly AnsweredCall[]): Partial<Message>;
  finishReason(end: Pick<TurnEnd, "finishReason">): FinishReason;
  /** The deltas of one choice's calls. */
  deltas(): CallDeltas;
}

export interface CallDeltas {
  start(call: Start): Delta;
  /** More of the arguments; undefined where it says nothing yet. */
  more(json: string): Delta | undefined;
}

/** As `tool_calls`; `isCustom` names the tools that take text. */
export function toolCalls(isCustom: (name: string) => boolean): CallForm {
  return {
    message: (calls) =>
      calls.length === 0 ? {} : { tool_calls: calls.map((call) => toolCall(call, isCustom)) },
    finishReason: ({ finishReason }) => finishReason,
    deltas: () => new ToolCallDeltas(isCustom),
  };
}

function toolCall(
  { start: { id, name }, arguments: json }: AnsweredCall,
  isCustom: (name: string) => boolean,
): NonNullable<Message["tool_calls"]>[number] {
  return isCustom(name)
    ? { id, type: "custom", custom: { name, input: customInput(json) } }
    : { id, type: "function", function: { name, arguments: json } };
}

class ToolCallDeltas implements CallDeltas {
  readonly #isCustom: (name: string) => boolean;
  #index = -1;
  #input: CustomInput | undefined;

  constructor(isCustom: (name: string) => boolean) {
    this.#isCustom = isCustom;
  }

  start({ id, name }: Start): Delta {
    this.#index++;
    this.#input = this.#isCustom(name) ? new CustomInput() : undefined;
    const called =
      this.#input === undefined
        ? ({ type: "function", function: { name, arguments: "" } } as const)
        : ({ type: "custom", custom: { name, input: "" } } as const);
    return { tool_calls: [{ index: this.#index, id, ...called }] };
  }

  more(json: string): Delta | undefined {
    if (this.#input === undefined)
      return { tool_calls: [{ index: this.#index, function: { arguments: json } }] };
    const input = this.#input.push(json);
    return input === "" ? undefined : { tool_calls: [{ index: this.#index, custom: { input } }] };
  }
}

/** As `function_call`, for clients that declare `functions`: one call, without an id. */
export const functionCall: CallForm = {
  message: ([call]) =>
    call === undefined ? {} : { function_call: { name: call.start.name, arguments: call.arguments } },
  finishReason: ({ finishReason }) => (finishReason === "tool_calls" ? "function_call" : finishReason),
  deltas: () => ({
    start: ({ name }) => ({ function_call: { name, arguments: "" } }),
    more: (json) => ({ function_call: { arguments: json } }),
  }),
};
