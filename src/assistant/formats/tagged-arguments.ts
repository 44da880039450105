import type { ArgumentReader } from "./argument-reader.ts";
import type { ValueTypes } from "./argument-types.ts";
import type { ArgumentPiece, TaggedStyle } from "./format.ts";
import { type Match, match, partialEnd } from "./markers.ts";
import { closing, closingAt, taggedValue } from "./tagged-values.ts";

/** Longest key. */
const MAX_KEY = 256;

interface Opened {
  readonly key: string;
  readonly kind: string | undefined;
  readonly length: number;
}

/**
 * Reads arguments between markers of their own. A text is passed on while it is being written; another
 * value when it is whole.
 */
export class TaggedArguments implements ArgumentReader {
  readonly #style: TaggedStyle;
  readonly #types: ValueTypes;
  readonly #isTrailer: (text: string) => Match;
  #buffer = "";
  #count = 0;
  #open: Opened | undefined;
  /** The open argument is a text, of which some was passed on. */
  #isText = false;
  #hasBegun = false;

  constructor(style: TaggedStyle, types: ValueTypes, isTrailer: (text: string) => Match) {
    this.#style = style;
    this.#types = types;
    this.#isTrailer = isTrailer;
  }

  push(text: string): { readonly json: string; readonly rest: string | undefined } {
    this.#buffer += text;
    let json = "";
    while (true) {
      if (this.#open !== undefined) {
        const read = this.#readValue(this.#open);
        json += read.json;
        if (!read.isWhole) return { json, rest: undefined };
        this.#open = undefined;
        continue;
      }
      const opened = readOpening(this.#buffer, this.#style.argument);
      const behind = this.#isTrailer(this.#buffer);
      if (opened === "no" || (typeof behind === "number" && behind > 0))
        return { json: json + (this.#count === 0 ? "{}" : "}"), rest: this.#buffer };
      if (opened === "more") return { json, rest: undefined };
      this.#buffer = this.#buffer.slice(opened.length);
      json += `${this.#count++ === 0 ? "{" : ", "}${JSON.stringify(opened.key)}: `;
      this.#begin(opened);
    }
  }

  end(): string {
    if (this.#open === undefined) return "";
    return this.#isText ? this.#textJson(this.#buffer) : this.#buffer;
  }

  #begin(opened: Opened): void {
    this.#open = opened;
    const { kinds } = this.#style;
    const { types } = this.#types.property(opened.key);
    const isOnlyText = types.size === 1 && types.has("string");
    this.#isText = kinds === undefined ? isOnlyText : opened.kind === kinds.string;
    this.#hasBegun = false;
  }

  #readValue({ key }: Opened): { readonly json: string; readonly isWhole: boolean } {
    const close = closing(this.#style.argument, key).trim();
    const at = closingAt(this.#buffer, this.#style, key);
    if (at >= 0) {
      const raw = this.#buffer.slice(0, at);
      this.#buffer = this.#buffer.slice(at + close.length);
      const json = this.#isText
        ? `${this.#textJson(this.#withoutLastBreak(raw))}"`
        : taggedValue(this.#trimmed(raw), this.#style, this.#types.property(key));
      return { json, isWhole: true };
    }
    if (!this.#isText) return { json: "", isWhole: false };
    // White space before the closing is layout, and so may be a line break behind the opening.
    const held = partialEnd(this.#buffer, close);
    const ready = this.#buffer
      .slice(0, this.#buffer.length - held)
      .trimEnd()
      .replace(/[\ud800-\udbff]$/, "");
    if (ready === "") return { json: "", isWhole: false };
    const json = this.#textJson(ready);
    this.#buffer = this.#buffer.slice(ready.length);
    return { json, isWhole: false };
  }

  /** More of a text, as JSON without the closing quote. */
  #textJson(raw: string): string {
    const text = this.#hasBegun ? raw : this.#withoutFirstBreak(raw);
    const inside = JSON.stringify(text).slice(1, -1);
    const json = this.#hasBegun ? inside : `"${inside}`;
    this.#hasBegun = true;
    return json;
  }

  #trimmed(raw: string): string {
    return this.#withoutLastBreak(this.#withoutFirstBreak(raw));
  }

  #withoutFirstBreak(raw: string): string {
    const { argument } = this.#style;
    const before = argument[argument.findIndex(({ type }) => type === "value") - 1];
    return before?.type === "text" && before.text.endsWith("\n") ? raw.replace(/^\r?\n/, "") : raw;
  }

  #withoutLastBreak(raw: string): string {
    return closing(this.#style.argument, "").startsWith("\n") ? raw.replace(/\r?\n$/, "") : raw;
  }
}

/** Reads what comes before a value: whole, not yet all there, or something else. */
function readOpening(text: string, argument: readonly ArgumentPiece[]): Opened | "more" | "no" {
  let at = 0;
  let key = "";
  let kind: string | undefined;
  for (const [index, piece] of argument.entries()) {
    if (piece.type === "value") break;
    const rest = text.slice(at);
    if (piece.type === "text") {
      const matched = match(rest, piece.text.trim());
      if (typeof matched === "string") return matched;
      at += matched;
      continue;
    }
    const next = argument[index + 1];
    const stop = next?.type === "text" ? next.text.trim() : "";
    const length = rest.indexOf(stop);
    if (length > MAX_KEY || (length < 0 && rest.length > MAX_KEY)) return "no";
    if (length < 0) return "more";
    const word = rest.slice(0, length).trim();
    at += length;
    if (piece.type === "key") key = word;
    else kind = word;
  }
  return { key, kind, length: at };
}
