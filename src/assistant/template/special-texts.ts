import { InvalidRequestError } from "../../errors.ts";
import type { PromptPart } from "../../inference/engine.ts";

/** Unicode noncharacters: no text has a use for them, so one marks where a special token's text was broken up. */
const MARKERS = Array.from({ length: 32 }, (_, index) => String.fromCodePoint(0xfdd0 + index));

/** As in JSON whose non-ASCII characters are escaped. */
const escapeOf = (marker: string) => `\\u${marker.charCodeAt(0).toString(16)}`;

/**
 * Keeps what clients write from being read as special tokens: each spelling of one in their text is broken by a
 * marker before a template is rendered, and the rendered text is cut at the markers. No piece that reaches the tokenizer
 * then holds the whole spelling.
 */
export class SpecialTexts {
  readonly #inside: RegExp | undefined;
  readonly #beginnings: ReadonlySet<string>;
  readonly #longest: number;
  /** First characters of special spellings: most texts have none of them, and need not be gone through one by one. */
  readonly #firsts: readonly string[];

  constructor(specialTexts: readonly string[]) {
    // A token of one character is that character, and can't be broken.
    const breakable = specialTexts.filter((text) => [...text].length > 1);
    const alternatives = breakable.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|");
    this.#inside = breakable.length === 0 ? undefined : new RegExp(`(?=${alternatives})[\\s\\S]`, "gu");
    this.#beginnings = new Set(
      breakable.flatMap((text) =>
        Array.from({ length: text.length - 1 }, (_, index) => text.slice(0, index + 1)),
      ),
    );
    this.#firsts = [...new Set(breakable.map((text) => text.charAt(0)))];
    this.#longest = Math.max(0, ...breakable.map((text) => text.length));
  }

  /** A character that occurs nowhere in `values`, nor is spelt out there as an escape. @throws InvalidRequestError when they hold every candidate */
  marker(...values: readonly unknown[]): string {
    const text = JSON.stringify(values);
    const marker = MARKERS.find(
      (candidate) => !text.includes(candidate) && !text.includes(escapeOf(candidate)),
    );
    if (marker === undefined) {
      throw new InvalidRequestError("The messages hold every Unicode noncharacter from U+FDD0 to U+FDEF.", {
        param: "messages",
      });
    }
    return marker;
  }

  /** `value` with every special spelling in its strings broken by `marker`, property names included. */
  break<T>(value: T, marker: string): T {
    return this.#breakAny(value, marker) as T;
  }

  /** Cuts rendered text at the markers. JSON with non-ASCII characters escaped spells the marker out. */
  split(rendered: string, marker: string): PromptPart[] {
    return rendered
      .replaceAll(escapeOf(marker), marker)
      .split(marker)
      .filter((text) => text !== "")
      .map((text) => ({ type: "text", text, parseSpecial: true }));
  }

  #breakAny(value: unknown, marker: string): unknown {
    if (typeof value === "string") return this.#breakText(value, marker);
    if (Array.isArray(value)) return value.map((item) => this.#breakAny(item, marker));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        this.#breakText(key, marker),
        this.#breakAny(item, marker),
      ]),
    );
  }

  #breakText(text: string, marker: string): string {
    if (this.#inside === undefined) return text;
    const broken = this.#firsts.some((first) => text.includes(first))
      ? text.replace(this.#inside, (character) => character + marker)
      : text;
    return this.#endsInBeginning(text) ? broken + marker : broken;
  }

  /** True when the text that a template puts next to this one could complete a special spelling. */
  #endsInBeginning(text: string): boolean {
    for (let length = Math.min(this.#longest - 1, text.length); length > 0; length--) {
      if (this.#beginnings.has(text.slice(-length))) return true;
    }
    return false;
  }
}
