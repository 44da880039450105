import type { Thoughts } from "../thoughts.ts";

type State = "undecided" | "thinking" | "answering";

/** Follows the text of an answer through its thoughts, which stop strings don't end and which are counted apart. */
export class ThoughtTracker {
  readonly #thoughts: Thoughts;
  /** White space and the beginning of the opening, until it is clear whether the answer begins with thoughts. */
  #held = "";
  /** The last characters of the thoughts, in which the closing may begin. */
  #tail = "";
  #state: State;
  #tokens = 0;
  #undecidedTokens = 0;

  constructor(thoughts: Thoughts) {
    this.#thoughts = thoughts;
    this.#state = thoughts.areOpen ? "thinking" : "undecided";
  }

  /** Tokens of the thoughts so far, with their markers. */
  get tokens(): number {
    return this.#tokens;
  }

  get isOverBudget(): boolean {
    return this.#state === "thinking" && this.#tokens >= (this.#thoughts.budgetTokens ?? Infinity);
  }

  /** Takes one token's text; returns what of the text so far is thought, and what is the answer's. */
  take(text: string): { readonly thought: string; readonly answer: string } {
    if (this.#state === "thinking") this.#tokens++;
    else if (this.#state === "undecided") this.#undecidedTokens++;
    return this.#split(text);
  }

  /** What is still undecided when the answer ends. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #split(text: string): { readonly thought: string; readonly answer: string } {
    if (this.#state === "answering") return { thought: "", answer: text };
    if (this.#state === "thinking") return this.#think(text);
    const { open } = this.#thoughts;
    this.#held += text;
    const begun = this.#held.trimStart();
    if (open.startsWith(begun) && begun.length < open.length) return { thought: "", answer: "" };
    const held = this.end();
    if (!begun.startsWith(open)) {
      this.#state = "answering";
      return { thought: "", answer: held };
    }
    this.#state = "thinking";
    this.#tokens = this.#undecidedTokens;
    const opened = held.length - begun.length + open.length;
    const { thought, answer } = this.#think(held.slice(opened));
    return { thought: held.slice(0, opened) + thought, answer };
  }

  #think(text: string): { readonly thought: string; readonly answer: string } {
    const { close } = this.#thoughts;
    const all = this.#tail + text;
    const at = all.indexOf(close);
    if (at < 0) {
      this.#tail = all.slice(-(close.length - 1));
      return { thought: text, answer: "" };
    }
    this.#state = "answering";
    const end = at + close.length - this.#tail.length;
    return { thought: text.slice(0, end), answer: text.slice(end) };
  }
}
