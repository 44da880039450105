import { InvalidRequestError } from "../../errors.ts";

/*
 * The pieces of GBNF, llama.cpp's grammar notation (grammars/README.md there). An expression is a string that can
 * stand in a sequence; `alternatives` puts its own parentheses around it.
 */

/** Characters of a whole grammar. */
const MAX_GRAMMAR_LENGTH = 512 * 1024;
/** Copies of one item that a repetition may expand to; llama.cpp writes each of them out. */
const MAX_COPIES = 100;

/** Rules under construction. The same body is one rule, however often it is asked for. */
export class Grammar {
  readonly #rules = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #length = 0;
  #count = 0;

  /** A name whose body comes later, for what refers to itself. */
  reserve(): string {
    return `r${this.#count++}`;
  }

  define(name: string, body: string): string {
    this.#length += name.length + body.length + 6;
    if (this.#length > MAX_GRAMMAR_LENGTH) {
      throw new InvalidRequestError(
        `The schema is too complex: its grammar has more than ${MAX_GRAMMAR_LENGTH} characters.`,
      );
    }
    this.#rules.set(name, body);
    return name;
  }

  /** Name of a rule with this body. */
  rule(body: string): string {
    if (this.#rules.has(body)) return body;
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const name = this.define(this.reserve(), body);
    this.#names.set(body, name);
    return name;
  }

  /** The grammar as text, beginning at `root`. */
  text(root: string): string {
    const lines = [...this.#rules].map(([name, body]) => `${name} ::= ${body}`);
    return [`root ::= ${root}`, ...lines, ""].join("\n");
  }
}

/** `text`, character for character. */
export function literal(text: string): string {
  return text === "" ? "" : `"${[...text].map(escapeCharacter).join("")}"`;
}

/** One character of the given ranges of code points, or of all others. */
export function characterClass(ranges: ReadonlyArray<readonly [number, number]>, negated = false): string {
  const members = ranges.map(([from, to]) =>
    from === to ? escapeCodePoint(from) : `${escapeCodePoint(from)}-${escapeCodePoint(to)}`,
  );
  return `[${negated ? "^" : ""}${members.join("")}]`;
}

export function sequence(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}

/** One of the expressions; duplicates count once, since each alternative is a stack that sampling has to follow. */
export function alternatives(options: readonly string[]): string {
  const distinct = [...new Set(options)];
  const only = distinct[0];
  if (distinct.length === 1 && only !== undefined) return only;
  // An empty alternative goes last, where no reader of GBNF takes it for something else.
  const [full, empty] = [distinct.filter((option) => option !== ""), distinct.includes("")];
  return `(${full.join(" | ")})${empty ? "?" : ""}`;
}

/**
 * `item` from `min` to `max` times, without limit when `max` is undefined. Long repetitions are made of blocks, so that
 * the grammar stays short; their upper end may come out lower than `max` by less than a block.
 */
export function repeat(grammar: Grammar, item: string, min: number, max: number | undefined): string {
  if (max === 0) return "";
  const one = /^[\w-]+$|^\[[^\]]*\]$|^"[^"]*"$/.test(item) ? item : `(${item})`;
  const required = repeatExactly(grammar, one, min);
  if (max === undefined) return sequence(required, `${one}*`);
  return sequence(required, repeatUpTo(grammar, one, max - min));
}

function repeatExactly(grammar: Grammar, item: string, count: number): string {
  if (count <= 1) return count === 1 ? item : "";
  if (count <= MAX_COPIES) return `${item}{${count}}`;
  const block = grammar.rule(`${item}{${MAX_COPIES}}`);
  return sequence(
    repeatExactly(grammar, block, Math.floor(count / MAX_COPIES)),
    repeatExactly(grammar, item, count % MAX_COPIES),
  );
}

function repeatUpTo(grammar: Grammar, item: string, count: number): string {
  if (count <= 0) return "";
  if (count <= MAX_COPIES) return `${item}{0,${count}}`;
  // Whole blocks, then less than a block: at any moment only "another block" and "the last stretch" are open.
  const blocks = Math.min(MAX_COPIES, Math.floor((count + 1) / MAX_COPIES) - 1);
  const block = grammar.rule(`${item}{${MAX_COPIES}}`);
  const tail = grammar.rule(`${item}{0,${MAX_COPIES - 1}}`);
  return blocks <= 0 ? tail : sequence(`${block}{0,${blocks}}`, tail);
}

function escapeCharacter(character: string): string {
  return escapeCodePoint(character.codePointAt(0) ?? 0);
}

/** Letters and digits as they are; everything else by number, which means itself in literals and classes alike. */
function escapeCodePoint(code: number): string {
  const character = String.fromCodePoint(code);
  if (/^[A-Za-z0-9 _:,.{}]$/.test(character)) return character;
  if (code <= 0xff && code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
