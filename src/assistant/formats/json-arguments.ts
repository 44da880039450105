import type { ArgumentReader } from "./argument-reader.ts";

/** Arguments that are JSON already: finds where the object ends. */
export class JsonArguments implements ArgumentReader {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  push(text: string): { readonly json: string; readonly rest: string | undefined } {
    const from = this.#depth === 0 ? text.length - text.trimStart().length : 0;
    if (this.#depth === 0 && from < text.length && text[from] !== "{") return { json: "", rest: text };
    for (let at = from; at < text.length; at++) {
      const character = text[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInString) {
        if (character === "\\") this.#isEscaped = true;
        else if (character === '"') this.#isInString = false;
      } else if (character === '"') this.#isInString = true;
      else if (character === "{" || character === "[") this.#depth++;
      else if ((character === "}" || character === "]") && --this.#depth === 0)
        return { json: text.slice(from, at + 1), rest: text.slice(at + 1) };
    }
    return { json: text.slice(from), rest: undefined };
  }

  end(): string {
    return "";
  }
}
