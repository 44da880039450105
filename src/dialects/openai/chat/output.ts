import type { TurnEnd, TurnEvent } from "../../../assistant/turn.ts";
import type { ScoredToken } from "../../../inference/engine.ts";
import { toTokenLogprobs } from "../logprobs.ts";
import type { CallDeltas, CallForm } from "./calls.ts";
import type { ChatCompletion, ChatCompletionChunk } from "./schema.ts";

type Choice = ChatCompletionChunk["choices"][number];
type Delta = Choice["delta"];
type Start = Extract<TurnEvent, { type: "block_start" }>;

/** Deltas of one choice, from its answer's events. */
export class ChoiceDeltas {
  readonly #calls: CallDeltas;
  #hasBegun = false;
  #kind: Start["kind"] = "text";

  constructor(form: CallForm) {
    this.#calls = form.deltas();
  }

  *take(event: TurnEvent): Iterable<Delta> {
    switch (event.type) {
      case "started":
      case "block_end":
        break;
      case "block_start":
        yield* this.#begin(event.kind === "call");
        this.#kind = event.kind;
        if (event.kind === "call") yield this.#calls.start(event);
        break;
      case "delta": {
        const delta = this.#more(event.text);
        if (delta !== undefined) yield delta;
        break;
      }
      case "done":
        yield* this.#begin(false);
        break;
    }
  }

  /** A message of tool calls alone has null for content, from its first chunk on. */
  *#begin(isCall: boolean): Iterable<Delta> {
    if (!this.#hasBegun) yield { role: "assistant", content: isCall ? null : "", refusal: null };
    this.#hasBegun = true;
  }

  #more(text: string): Delta | undefined {
    switch (this.#kind) {
      case "text":
        return { content: text };
      case "reasoning":
        return { reasoning_content: text, reasoning: text };
      case "call":
        return this.#calls.more(text);
    }
  }
}

export function choiceOf(index: number, delta: Delta, scores?: readonly ScoredToken[]): Choice {
  const logprobs = scores === undefined ? null : { content: toTokenLogprobs(scores), refusal: null };
  return { index, delta, logprobs, finish_reason: null };
}

interface Block {
  readonly start: Start;
  text: string;
  isCut: boolean;
}

/** One choice of a whole completion, from its answer's events. */
export class ChoiceMessage {
  readonly #form: CallForm;
  readonly #blocks: Block[] = [];
  readonly #tokens: ScoredToken[] = [];
  #end: TurnEnd | undefined;

  constructor(form: CallForm) {
    this.#form = form;
  }

  take(event: TurnEvent): void {
    switch (event.type) {
      case "started":
        break;
      case "block_start":
        this.#blocks.push({ start: event, text: "", isCut: false });
        break;
      case "delta": {
        const block = this.#block(event.block);
        block.text += event.text;
        if (block.start.kind === "text") this.#tokens.push(...event.tokens);
        break;
      }
      case "block_end":
        this.#block(event.block).isCut = event.isCut === true;
        break;
      case "done":
        this.#end = event;
        break;
    }
  }

  get pass(): TurnEnd {
    if (this.#end === undefined) throw new Error("an answer ended without saying how");
    return this.#end;
  }

  choice(index: number, hasLogprobs: boolean): ChatCompletion["choices"][number] {
    const end = this.pass;
    const calls = this.#blocks.flatMap(({ start, text, isCut }) => {
      // A stop string within a call leaves none: it is not told apart from a whole one by `finish_reason`.
      const isNone = start.kind !== "call" || (isCut && end.finishReason === "stop");
      return isNone ? [] : [{ start, arguments: text }];
    });
    const content = this.#text("text");
    const reasoning = this.#text("reasoning");
    return {
      index,
      message: {
        role: "assistant",
        content: calls.length > 0 && content === "" ? null : content,
        ...(reasoning !== "" && { reasoning_content: reasoning, reasoning }),
        refusal: null,
        annotations: [],
        ...this.#form.message(calls),
      },
      logprobs: hasLogprobs ? { content: toTokenLogprobs(this.#tokens), refusal: null } : null,
      finish_reason: this.#form.finishReason(end),
    };
  }

  #block(index: number): Block {
    const block = this.#blocks[index];
    if (block === undefined) throw new Error("more of a block that was not opened");
    return block;
  }

  #text(kind: "text" | "reasoning"): string {
    return this.#blocks.map(({ start, text }) => (start.kind === kind ? text : "")).join("");
  }
}
