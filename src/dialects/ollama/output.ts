import type { TurnEnd, TurnEvent } from "../../assistant/turn.ts";
import type { GenerationTimings } from "../../inference/engine.ts";
import { parsedArguments } from "../content.ts";

interface Call {
  readonly name: string;
  json: string;
}

/** A piece of an answer in Ollama's words; a call comes whole. */
export interface Piece {
  readonly content?: string;
  readonly thinking?: string;
  readonly call?: object;
}

/** Makes Ollama's pieces of an answer's blocks. */
export class AnswerPieces {
  #call: Call | undefined;
  #kind: "text" | "reasoning" | "call" = "text";

  *take(event: TurnEvent): Iterable<Piece> {
    switch (event.type) {
      case "block_start":
        this.#kind = event.kind;
        this.#call = event.kind === "call" ? { name: event.name, json: "" } : undefined;
        break;
      case "delta":
        if (this.#call !== undefined) this.#call.json += event.text;
        else if (event.text !== "")
          yield this.#kind === "reasoning" ? { thinking: event.text } : { content: event.text };
        break;
      case "block_end":
        if (this.#call !== undefined) {
          const { name, json } = this.#call;
          const args = parsedArguments(json);
          // Half a call, run with what there is of it, would do something else.
          if (args !== undefined) yield { call: { function: { name, arguments: args } } };
        }
        this.#call = undefined;
        break;
    }
  }
}

/** The fields that an answer ends with; durations are nanoseconds. */
export function ending({ finishReason, usage, timings }: TurnEnd) {
  return {
    done: true,
    done_reason: finishReason === "length" ? "length" : "stop",
    ...durations(timings),
    prompt_eval_count: usage.promptTokens,
    eval_count: usage.completionTokens,
  };
}

function durations({ queueMs, prefillMs, decodeMs }: GenerationTimings) {
  const nanoseconds = (ms: number) => Math.round(ms * 1e6);
  return {
    total_duration: nanoseconds(queueMs + prefillMs + decodeMs),
    load_duration: nanoseconds(queueMs),
    prompt_eval_duration: nanoseconds(prefillMs),
    eval_duration: nanoseconds(decodeMs),
  };
}
