import { InvalidRequestError } from "../../errors.ts";
import { LAST_CODE_POINT } from "../../inference/constraints/automaton.ts";
import {
  choice,
  type Expression,
  type Form,
  markup,
  repeat,
  sequence,
  text,
} from "../../inference/constraints/expression.ts";
import { characterSet, complement, type Range } from "./character-set.ts";

import { assertAwaited } from "./patience.ts";

/** Brackets within brackets: the reader calls itself. */
const MAX_NESTING = 64;
/** Elements with all repetitions written out. */
const MAX_ELEMENTS = 50_000;

/** A grammar in llama.cpp's GBNF as a form. @throws InvalidRequestError, naming `path`, where it is malformed or too large */
export function readGbnf(source: string, path = "grammar"): Form {
  return new GbnfReader(source, path).read();
}

/** Reads GBNF as llama.cpp does (llama-grammar.cpp). */
class GbnfReader {
  readonly #source: string;
  readonly #path: string;
  readonly #rules = new Map<string, Expression>();
  readonly #named = new Set<string>();
  #at = 0;
  #nesting = 0;
  #elements = 0;

  constructor(source: string, path: string) {
    this.#source = source;
    this.#path = path;
  }

  read(): Form {
    this.#skip(true);
    while (this.#at < this.#source.length) {
      assertAwaited();
      const name = this.#name();
      this.#skip(false);
      if (name === "" || !this.#take("::=")) this.#fail("a rule like `name ::= …` is expected");
      this.#skip(true);
      this.#rules.set(name, this.#alternatives());
      this.#skip(true);
    }
    const undefinedName = [...this.#named].find((name) => !this.#rules.has(name));
    if (undefinedName !== undefined)
      this.#refuse(`names the rule ${undefinedName}, which it does not define`);
    if (!this.#rules.has("root")) this.#refuse("has no rule named root");
    return { start: { type: "rule", name: "root" }, rules: Object.fromEntries(this.#rules) };
  }

  #alternatives(): Expression {
    const options = [this.#sequence()];
    while (this.#take("|")) {
      this.#skip(true);
      options.push(this.#sequence());
    }
    return choice(...options);
  }

  #sequence(): Expression {
    const items: Expression[] = [];
    for (;;) {
      const before = this.#elements;
      const item = this.#item();
      if (item === undefined) return sequence(...items);
      this.#skip(this.#nesting > 0);
      items.push(this.#repeated(item, this.#elements - before));
      this.#skip(this.#nesting > 0);
    }
  }

  /** One literal, class, group or name; undefined where the sequence ends. */
  #item(): Expression | undefined {
    const next = this.#source[this.#at];
    if (next === '"') return this.#literal();
    if (next === "[") return this.#class();
    if (next === "(") return this.#group();
    if (this.#take(".")) return this.#characters([[0, LAST_CODE_POINT]]);
    if (next === "<" || next === "!") return this.#token();
    const name = this.#name();
    if (name === "") return undefined;
    this.#count(1);
    this.#named.add(name);
    return { type: "rule", name };
  }

  #count(elements: number): void {
    this.#elements += elements;
    if (this.#elements > MAX_ELEMENTS)
      this.#refuse(`has more than ${MAX_ELEMENTS} elements with its repetitions written out`);
  }

  #characters(ranges: readonly Range[]): Expression {
    this.#count(1);
    return { type: "characters", ranges };
  }

  #literal(): Expression {
    let characters = "";
    for (this.#at++; !this.#take('"'); ) characters += String.fromCodePoint(this.#character());
    this.#count(characters.length);
    return text(characters);
  }

  #class(): Expression {
    this.#at++;
    const isNegated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#character();
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (isRange) this.#at++;
      ranges.push([from, isRange ? this.#character() : from]);
    }
    const set = characterSet(ranges.filter(([from, to]) => from <= to));
    return this.#characters(isNegated ? complement(set) : set);
  }

  #group(): Expression {
    this.#at++;
    if (++this.#nesting > MAX_NESTING) this.#refuse(`has brackets nested deeper than ${MAX_NESTING}`);
    this.#skip(true);
    const inner = this.#alternatives();
    if (!this.#take(")")) this.#fail("a bracket is not closed");
    this.#nesting--;
    return inner;
  }

  /** A token by its text: `<think>`. By number, or as one that must not come, it can't be followed byte by byte. */
  #token(): Expression {
    const match = /<([^>\n[]+)>/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#source) ?? this.#fail("tokens by number and with ! are not supported");
    this.#at += found[0].length;
    this.#count(1);
    return markup(found[0]);
  }

  /** `item`, of `size` elements, with the quantifier that follows it. */
  #repeated(item: Expression, size: number): Expression {
    const match = /[*+?]|\{\s*(\d{1,9})\s*(,\s*(\d{1,9})?\s*)?\}/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#source);
    if (found === null) return item;
    this.#at += found[0].length;
    const least = Number(found[1]);
    const [min, max] =
      found[0] === "*"
        ? [0, undefined]
        : found[0] === "+"
          ? [1, undefined]
          : found[0] === "?"
            ? [0, 1]
            : [least, found[2] === undefined ? least : found[3] === undefined ? undefined : Number(found[3])];
    this.#count(Math.max(0, (max ?? min + 1) - 1) * Math.max(1, size));
    return repeat(item, min, max);
  }

  #name(): string {
    const match = /[A-Za-z0-9-]*/y;
    match.lastIndex = this.#at;
    const name = match.exec(this.#source)?.[0] ?? "";
    this.#at += name.length;
    return name;
  }

  #character(): number {
    if (!this.#take("\\")) {
      const code = this.#source.codePointAt(this.#at);
      if (code === undefined || code === 10) return this.#fail("a literal or a class is not closed");
      this.#at += code > 0xffff ? 2 : 1;
      return code;
    }
    const match = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\"[\]-])/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#source) ?? this.#fail("this escape is unknown");
    this.#at += found[0].length;
    const controls: Readonly<Record<string, number>> = { t: 9, r: 13, n: 10 };
    const plain = found[4];
    if (plain !== undefined) return controls[plain] ?? plain.charCodeAt(0);
    return Number.parseInt(found[1] ?? found[2] ?? found[3] ?? "", 16);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Blanks and comments; line breaks end a rule unless `overLines`. */
  #skip(overLines: boolean): void {
    const match = overLines ? /(?:[ \t\r\n]|#[^\r\n]*)*/y : /(?:[ \t]|#[^\r\n]*)*/y;
    match.lastIndex = this.#at;
    this.#at += match.exec(this.#source)?.[0].length ?? 0;
  }

  #refuse(why: string): never {
    throw new InvalidRequestError(`${this.#path} ${why}.`, { param: this.#path });
  }

  #fail(what: string): never {
    const line = this.#source.slice(0, this.#at).split("\n").length;
    this.#refuse(`is not valid GBNF: ${what} (line ${line})`);
  }
}
