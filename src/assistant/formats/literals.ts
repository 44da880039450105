import type { LiteralStyle } from "./format.ts";

/** Deeper values are not read: what a model writes is untrusted. */
const MAX_DEPTH = 64;

/** The JSON text of a value in a notation; undefined where it is none. */
export function literalToJson(text: string, style: LiteralStyle): string | undefined {
  const reader = new LiteralReader(text, style);
  const json = reader.value(0);
  return json !== undefined && reader.isAtEnd() ? json : undefined;
}

class LiteralReader {
  readonly #text: string;
  readonly #style: LiteralStyle;
  #at = 0;

  constructor(text: string, style: LiteralStyle) {
    this.#text = text;
    this.#style = style;
  }

  isAtEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  value(depth: number): string | undefined {
    if (depth > MAX_DEPTH) return undefined;
    this.#space();
    const quoted = this.#string();
    if (quoted !== undefined) return JSON.stringify(quoted);
    for (const [open, close] of [
      ["[", "]"],
      ["(", ")"],
    ] as const)
      if (this.#take(open)) return this.#list(close, depth);
    if (this.#take("{")) return this.#object(depth);
    return this.#scalar();
  }

  #list(close: string, depth: number): string | undefined {
    const items: string[] = [];
    while (!this.#takeSpaced(close)) {
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
      if (!this.#takeSpaced(",")) return this.#takeSpaced(close) ? `[${items.join(", ")}]` : undefined;
    }
    return `[${items.join(", ")}]`;
  }

  #object(depth: number): string | undefined {
    const entries: string[] = [];
    const whole = () => `{${entries.join(", ")}}`;
    while (!this.#takeSpaced("}")) {
      this.#space();
      const key = this.#string() ?? this.#bareKey();
      if (key === undefined || !this.#takeSpaced(":")) return undefined;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      entries.push(`${JSON.stringify(key)}: ${value}`);
      if (!this.#takeSpaced(",")) return this.#takeSpaced("}") ? whole() : undefined;
    }
    return whole();
  }

  #bareKey(): string | undefined {
    if (this.#style.quotesKeys) return undefined;
    const end = this.#text.indexOf(":", this.#at);
    if (end < 0) return undefined;
    const key = this.#text.slice(this.#at, end).trim();
    this.#at = end;
    return key;
  }

  #scalar(): string | undefined {
    const [word = ""] = /^[\w.+-]+/.exec(this.#text.slice(this.#at, this.#at + 400)) ?? [];
    this.#at += word.length;
    const { words } = this.#style;
    if (word === words.true || word === "true") return "true";
    if (word === words.false || word === "false") return "false";
    if (word === words.null || word === "null") return "null";
    return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word) ? word : undefined;
  }

  /** A text in quotes, where one begins here. */
  #string(): string | undefined {
    const quote = this.#style.quotes.find((candidate) => this.#text.startsWith(candidate, this.#at));
    if (quote === undefined) return undefined;
    const end = stringEnd(this.#text, this.#at + quote.length, quote, this.#style.hasEscapes);
    if (end === undefined) return undefined;
    const inside = this.#text.slice(this.#at + quote.length, end - quote.length);
    this.#at = end;
    return this.#style.hasEscapes ? withoutEscapes(inside) : inside;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #takeSpaced(token: string): boolean {
    this.#space();
    return this.#take(token);
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }
}

/** Index behind the closing quote of a text that begins at `from`; undefined where it is not there. */
export function stringEnd(
  text: string,
  from: number,
  quote: string,
  hasEscapes: boolean,
): number | undefined {
  for (let at = from; ; ) {
    const close = text.indexOf(quote, at);
    const escaped = hasEscapes ? text.indexOf("\\", at) : -1;
    if (close < 0) return undefined;
    if (escaped < 0 || escaped > close) return close + quote.length;
    at = escaped + 2;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\u0007",
  "0": "\0",
  "\n": "",
};

/** Python's escapes; an unknown one stands for itself, backslash and all. */
function withoutEscapes(text: string): string {
  return text.replace(
    /\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|U([\da-fA-F]{8})|([\s\S]))/g,
    (whole, unit?: string, byte?: string, point?: string, character = "") => {
      const code = unit ?? byte ?? point;
      if (code === undefined) return ESCAPES[character] ?? (/[\\'"/]/.test(character) ? character : whole);
      const value = Number.parseInt(code, 16);
      return value <= 0x10ffff
        ? unit === undefined
          ? String.fromCodePoint(value)
          : String.fromCharCode(value)
        : whole;
    },
  );
}
