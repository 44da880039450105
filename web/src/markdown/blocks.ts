import { Lexer, type Token, type TokensList } from "marked";

/** A block of a text, by where it begins: that stays as the text grows. */
export interface Block {
  readonly start: number;
  readonly token: Token;
}

/**
 * The blocks of a text that grows at its end. Only the last two are read again: a list or a table may still take in what
 * follows it, what lies before can change no more. Lexing is all that is done here: tokens become elements one by one,
 * never a string of HTML.
 */
export class GrowingText {
  #text = "";
  #blocks: readonly Block[] = [];

  update(text: string): readonly Block[] {
    if (text === this.#text) return this.#blocks;
    const kept = text.startsWith(this.#text) ? this.#blocks.slice(0, -2) : [];
    const last = kept.at(-1);
    let start = last === undefined ? 0 : last.start + last.token.raw.length;
    const fresh = lex(text.slice(start)).map((token) => {
      const block = { start, token };
      start += token.raw.length;
      return block;
    });
    this.#text = text;
    this.#blocks = [...kept, ...fresh];
    return this.#blocks;
  }
}

/** marked turns line ends and tabs round before it lexes; offsets hold because that is done to the text first. */
function lex(text: string): TokensList {
  return new Lexer({ gfm: true }).lex(text);
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  "#39": "'",
  nbsp: "\u00a0",
};

/** Text with the few entities that models write as the characters that they stand for. */
export function plainText(text: string): string {
  return text.replace(/&(#39|[a-z]+);/g, (whole, name: string) => entities[name] ?? whole);
}

/** The address of a link, if it is of a kind that is only ever opened; null for `javascript:`, `data:` and the like. */
export function safeHref(href: string): string | null {
  const url = URL.parse(href, "https://relative.invalid");
  if (url === null || url.hostname === "relative.invalid") return null;
  return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}
