import type { ArgumentReader } from "./argument-reader.ts";
import type { LiteralStyle } from "./format.ts";
import { literalToJson, stringEnd } from "./literals.ts";

/** Longest key. */
const MAX_KEY = 256;

/**
 * Reads `city='Paris', days=2` and its kin, up to the bracket that closes them, which is left to what follows. An
 * argument is passed on as JSON when it is whole.
 */
export class LiteralArguments implements ArgumentReader {
  readonly #style: LiteralStyle;
  #buffer = "";
  /** Up to here the argument's extent is known to hold no end of it. */
  #at = 0;
  #depth = 0;
  #quote: string | undefined;
  #count = 0;

  constructor(style: LiteralStyle) {
    this.#style = style;
  }

  push(text: string): { readonly json: string; readonly rest: string | undefined } {
    this.#buffer += text;
    let json = "";
    for (let end = this.#argumentEnd(); end !== undefined; end = this.#argumentEnd()) {
      const isLast = this.#buffer[end] !== ",";
      const argument = this.#buffer.slice(0, end);
      const written = argument.trim() === "" ? "" : this.#write(argument);
      if (written === undefined) return { json, rest: this.#buffer };
      json += written;
      this.#buffer = this.#buffer.slice(isLast ? end : end + 1);
      this.#at = 0;
      if (isLast) return { json: json + this.#close(), rest: this.#buffer };
    }
    return { json, rest: undefined };
  }

  /** The argument that was cut, as far as it is one. */
  end(): string {
    const whole = this.#write(this.#buffer);
    if (whole !== undefined) return whole;
    const read = this.#split(this.#buffer);
    if (read === undefined) return this.#buffer.trim() === "" ? "" : this.#entry(this.#buffer.trim(), "");
    const quote = this.#style.quotes.find((candidate) => read.value.startsWith(candidate));
    const value =
      quote === undefined ? read.value : JSON.stringify(read.value.slice(quote.length)).slice(0, -1);
    return this.#entry(read.key, value);
  }

  /** Index of the comma or the bracket behind the argument that is being read. */
  #argumentEnd(): number | undefined {
    const { quotes, hasEscapes } = this.#style;
    while (this.#at < this.#buffer.length) {
      if (this.#quote !== undefined) {
        const end = stringEnd(this.#buffer, this.#at, this.#quote, hasEscapes);
        if (end === undefined) return undefined;
        this.#at = end;
        this.#quote = undefined;
        continue;
      }
      const rest = this.#buffer.slice(this.#at, this.#at + 8);
      const quote = quotes.find((candidate) => rest.startsWith(candidate));
      if (quote !== undefined) {
        this.#quote = quote;
        this.#at += quote.length;
        continue;
      }
      // A quote of several characters may still be coming.
      if (quotes.some((candidate) => candidate.startsWith(rest))) return undefined;
      const character = rest.charAt(0);
      if (this.#depth === 0 && /[,)}\]]/.test(character)) return this.#at;
      if (/[([{]/.test(character)) this.#depth++;
      if (/[)\]}]/.test(character)) this.#depth--;
      this.#at++;
    }
    return undefined;
  }

  #split(argument: string): { readonly key: string; readonly value: string } | undefined {
    const at = argument.indexOf(this.#style.assign.trim());
    if (at < 0 || at > MAX_KEY) return undefined;
    const key = argument.slice(0, at).trim();
    return { key, value: argument.slice(at + this.#style.assign.trim().length).trim() };
  }

  #write(argument: string): string | undefined {
    const read = this.#split(argument);
    const value = read === undefined ? undefined : literalToJson(read.value, this.#style);
    return read === undefined || value === undefined ? undefined : this.#entry(read.key, value);
  }

  #entry(key: string, value: string): string {
    return `${this.#count++ === 0 ? "{" : ", "}${JSON.stringify(key)}: ${value}`;
  }

  #close(): string {
    return this.#count === 0 ? "{}" : "}";
  }
}
