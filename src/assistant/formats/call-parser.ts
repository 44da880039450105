import type { ToolCallFormat } from "./tool-calls.ts";

/** What an answer turns out to be, piece by piece. */
export type AnswerPart =
  | { readonly type: "content"; readonly text: string }
  | { readonly type: "call"; readonly name: string }
  /** A piece of the latest call's arguments, as JSON text. */
  | { readonly type: "arguments"; readonly text: string };

type State = "content" | "before-name" | "name" | "arguments";

/**
 * Tells text from calls in an answer that a grammar of `grammar.ts` holds to its form, as it streams: nothing that may
 * still become the opening of a call goes out as content.
 */
export class ToolCallParser {
  readonly #format: ToolCallFormat;
  readonly #trigger: string;
  #state: State;
  #buffer = "";
  #hasBegun = false;
  readonly #json = new JsonEnd();

  /** `mustCall`: the answer is calls and nothing else. */
  constructor(format: ToolCallFormat, mustCall: boolean) {
    this.#format = format;
    this.#trigger = format.open.trimEnd();
    this.#state = mustCall ? "before-name" : "content";
  }

  push(text: string): AnswerPart[] {
    this.#buffer += text;
    const parts: AnswerPart[] = [];
    while (this.#advance(parts));
    return parts;
  }

  /** What was held back, when the answer is over. */
  end(): AnswerPart[] {
    const rest = this.#buffer;
    this.#buffer = "";
    return this.#state === "content" && rest !== "" ? [{ type: "content", text: rest }] : [];
  }

  /** One step; false when more text is needed. */
  #advance(parts: AnswerPart[]): boolean {
    switch (this.#state) {
      case "content":
        return this.#format.mayFollowText ? this.#seekTrigger(parts) : this.#decideByFirst(parts);
      case "before-name":
        return this.#skipPast(this.#format.beforeName, "name") !== undefined;
      case "name": {
        const name = this.#skipPast(this.#format.beforeArguments, "arguments");
        if (name === undefined) return false;
        parts.push({ type: "call", name });
        return true;
      }
      case "arguments":
        return this.#passArguments(parts);
    }
  }

  #seekTrigger(parts: AnswerPart[]): boolean {
    const at = this.#buffer.indexOf(this.#trigger);
    if (at >= 0) {
      // White space between nothing and a call is layout, not content.
      const before = this.#buffer.slice(0, at);
      if (before.trim() !== "") parts.push({ type: "content", text: before });
      this.#buffer = this.#buffer.slice(at + this.#trigger.length);
      this.#state = "before-name";
      return true;
    }
    if (!this.#hasBegun && this.#buffer.trim() === "") return false;
    this.#release(parts, this.#buffer.length - partialEnd(this.#buffer, this.#trigger));
    return false;
  }

  /** The family's calls begin with a bracket that its text never begins with. */
  #decideByFirst(parts: AnswerPart[]): boolean {
    if (this.#buffer === "") return false;
    const isCall = !this.#hasBegun && (this.#buffer.startsWith("{") || this.#buffer.startsWith("["));
    if (isCall) this.#state = "before-name";
    else this.#release(parts, this.#buffer.length);
    return isCall;
  }

  #release(parts: AnswerPart[], length: number): void {
    if (length === 0) return;
    this.#hasBegun = true;
    parts.push({ type: "content", text: this.#buffer.slice(0, length) });
    this.#buffer = this.#buffer.slice(length);
  }

  /** Moves on behind `text`; returns what stood before it. */
  #skipPast(text: string, next: State): string | undefined {
    const at = this.#buffer.indexOf(text);
    if (at < 0) return undefined;
    const before = this.#buffer.slice(0, at);
    this.#buffer = this.#buffer.slice(at + text.length);
    this.#state = next;
    return before;
  }

  #passArguments(parts: AnswerPart[]): boolean {
    if (this.#buffer === "") return false;
    const end = this.#json.find(this.#buffer);
    const text = this.#buffer.slice(0, end);
    if (text !== "") parts.push({ type: "arguments", text });
    this.#buffer = end === undefined ? "" : this.#buffer.slice(end);
    if (end === undefined) return false;
    this.#state = "before-name";
    return true;
  }
}

/** Finds where a JSON object that comes in pieces ends. */
class JsonEnd {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Index behind the closing bracket, undefined while the object goes on. */
  find(piece: string): number | undefined {
    for (let at = 0; at < piece.length; at++) {
      const character = piece[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInString) {
        if (character === "\\") this.#isEscaped = true;
        else if (character === '"') this.#isInString = false;
      } else if (character === '"') this.#isInString = true;
      else if (character === "{" || character === "[") this.#depth++;
      else if ((character === "}" || character === "]") && --this.#depth === 0) return at + 1;
    }
    return undefined;
  }
}

/** Length of the longest end of `text` that begins `trigger`. */
function partialEnd(text: string, trigger: string): number {
  let length = Math.min(text.length, trigger.length - 1);
  while (length > 0 && !text.endsWith(trigger.slice(0, length))) length--;
  return length;
}
