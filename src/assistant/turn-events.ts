import { randomBytes } from "node:crypto";
import type { GenerationEvent, ScoredToken } from "../inference/engine.ts";
import type { AnswerPart } from "./formats/block-parser.ts";
import type { TurnEvent } from "./turn.ts";

/** Numbers the blocks of an answer, names its calls, and gives each delta the tokens that it came from. */
export class TurnEvents {
  readonly #idLength: number;
  /** Scored, and their text not yet assigned to a block. */
  #waiting: readonly ScoredToken[] = [];
  #block = -1;
  #calls = 0;

  constructor(idLength: number) {
    this.#idLength = idLength;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Events of what the parser made of the text of `tokens`. */
  *take(parts: readonly AnswerPart[], tokens: readonly ScoredToken[]): Iterable<TurnEvent> {
    this.#waiting = [...this.#waiting, ...tokens];
    for (const part of parts) {
      switch (part.type) {
        case "start":
          this.#block++;
          yield this.#start(part);
          break;
        case "delta":
          yield { type: "delta", block: this.#block, text: part.text, tokens: this.#waiting };
          this.#waiting = [];
          break;
        case "end":
          // What came since its last delta were markers.
          this.#waiting = [];
          yield { type: "block_end", block: this.#block };
          break;
      }
    }
  }

  #start(part: Extract<AnswerPart, { type: "start" }>): TurnEvent {
    const block = this.#block;
    if (part.kind !== "call") return { type: "block_start", block, kind: part.kind };
    this.#calls++;
    return { type: "block_start", block, kind: "call", id: newCallId(this.#idLength), name: part.name };
  }
}

/** The text of an event, token by token where its tokens are known: each then belongs to the right block. */
export function* byToken({ text, tokens = [] }: Extract<GenerationEvent, { type: "text" }>): Iterable<{
  readonly text: string;
  readonly tokens: readonly ScoredToken[];
}> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = 0;
  for (const [index, token] of tokens.entries()) {
    const piece = decoder.decode(token.bytes, { stream: true });
    // A token that a stop string cut, or one that ends a character that began before this event: all that is left.
    const isRest = index === tokens.length - 1 || !text.startsWith(piece, at);
    yield { text: isRest ? text.slice(at) : piece, tokens: isRest ? tokens.slice(index) : [token] };
    if (isRest) return;
    at += piece.length;
  }
  if (tokens.length === 0) yield { text, tokens };
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Mistral's templates take exactly nine letters and digits; others are given OpenAI's form. */
function newCallId(length: number): string {
  const text = [...randomBytes(length)].map((byte) => letters[byte % letters.length]).join("");
  return length === 24 ? `call_${text}` : text;
}
