import { InvalidRequestError } from "../../errors.ts";
import { complement, LAST_CODE_POINT, type Range } from "./code-points.ts";

/** What stands in a sequence of a rule: characters, or another rule by its number. */
export type Element =
  | { readonly type: "characters"; readonly ranges: readonly Range[] }
  | { readonly type: "rule"; readonly rule: number };

/** Alternatives, each a sequence. */
export type Rule = ReadonlyArray<readonly Element[]>;

export interface Rules {
  readonly rules: readonly Rule[];
  readonly root: number;
}

/** Brackets within brackets, and elements with all repetitions written out: llama.cpp reads them by recursion. */
const MAX_NESTING = 64;
const MAX_ELEMENTS = 100_000;

/** @throws InvalidRequestError where the grammar is malformed or too large */
export function readGbnf(source: string): Rules {
  return new GbnfReader(source).read();
}

export function refuseGrammar(why: string): never {
  throw new InvalidRequestError(`grammar ${why}.`, { param: "grammar" });
}

/** Reads GBNF as llama.cpp does (llama-grammar.cpp), with repetitions as rules of their own. */
class GbnfReader {
  readonly #source: string;
  readonly #names = new Map<string, number>();
  readonly #rules: Array<Rule | undefined> = [];
  #at = 0;
  #nesting = 0;
  #elements = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): Rules {
    this.#skip(true);
    while (this.#at < this.#source.length) {
      const name = this.#name();
      this.#skip(false);
      if (name === "" || !this.#take("::=")) this.#fail("a rule like `name ::= …` is expected");
      this.#skip(true);
      const rule = this.#alternatives();
      this.#rules[this.#numberOf(name)] = rule;
      this.#skip(true);
    }
    const undefinedName = [...this.#names].find(([, rule]) => this.#rules[rule] === undefined)?.[0];
    if (undefinedName !== undefined)
      refuseGrammar(`names the rule ${undefinedName}, which it does not define`);
    const root = this.#names.get("root");
    if (root === undefined) refuseGrammar("has no rule named root");
    return { rules: this.#rules as Rule[], root };
  }

  #alternatives(): Rule {
    const options = [this.#sequence()];
    while (this.#take("|")) {
      this.#skip(true);
      options.push(this.#sequence());
    }
    return options;
  }

  #sequence(): Element[] {
    const items: Element[] = [];
    for (;;) {
      const item = this.#item();
      if (item === undefined) return items;
      this.#skip(this.#nesting > 0);
      items.push(...this.#repeated(item));
      this.#skip(this.#nesting > 0);
    }
  }

  /** The elements of one literal, class, group or name; undefined where the sequence ends. */
  #item(): readonly Element[] | undefined {
    const next = this.#source[this.#at];
    if (next === '"') return this.#literal();
    if (next === "[") return [this.#class()];
    if (next === "(") return [this.#group()];
    if (next === "." || next === "<" || next === "!") return [this.#anything()];
    const name = this.#name();
    return name === "" ? undefined : [this.#element({ type: "rule", rule: this.#numberOf(name) })];
  }

  #literal(): Element[] {
    const items: Element[] = [];
    for (this.#at++; !this.#take('"'); ) {
      const code = this.#character();
      items.push(this.#element({ type: "characters", ranges: [[code, code]] }));
    }
    return items;
  }

  #class(): Element {
    this.#at++;
    const isNegated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#character();
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (isRange) this.#at++;
      ranges.push([from, isRange ? this.#character() : from]);
    }
    return this.#element({ type: "characters", ranges: isNegated ? complement(ranges) : ranges });
  }

  #group(): Element {
    this.#at++;
    if (++this.#nesting > MAX_NESTING) refuseGrammar(`has brackets nested deeper than ${MAX_NESTING}`);
    this.#skip(true);
    const rule = this.#alternatives();
    if (!this.#take(")")) this.#fail("a bracket is not closed");
    this.#nesting--;
    return this.#ruleOf(rule);
  }

  /** Any character, or a token by its number or text (`<[1]>`, `!<think>`), of which no more need be known. */
  #anything(): Element {
    if (!this.#take(".")) {
      const match = /!?<[^>\n]*>/y;
      match.lastIndex = this.#at;
      this.#at += match.exec(this.#source)?.[0].length ?? this.#fail("a token is not closed");
    }
    return this.#element({ type: "characters", ranges: [[0, LAST_CODE_POINT]] });
  }

  /** `item` with the quantifier that follows it; a literal is repeated whole. */
  #repeated(item: readonly Element[]): readonly Element[] {
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
    return this.#copies(item, min, max);
  }

  #copies(item: readonly Element[], min: number, max: number | undefined): readonly Element[] {
    const whole = item.length === 1 ? item[0] : this.#ruleOf([item]);
    if (whole === undefined) return item;
    const copies: Element[] = [];
    for (let count = 0; count < min; count++) copies.push(this.#element(whole));
    if (max === undefined) {
      const rule = this.#rules.push(undefined) - 1;
      const more = this.#element({ type: "rule", rule });
      this.#rules[rule] = [[whole, more], []];
      return [...copies, more];
    }
    let rest: Element | undefined;
    for (let count = min; count < max; count++)
      rest = this.#ruleOf([rest === undefined ? [whole] : [whole, rest], []]);
    return rest === undefined ? copies : [...copies, rest];
  }

  #ruleOf(rule: Rule): Element {
    return this.#element({ type: "rule", rule: this.#rules.push(rule) - 1 });
  }

  #element(element: Element): Element {
    if (++this.#elements > MAX_ELEMENTS)
      refuseGrammar(`has more than ${MAX_ELEMENTS} elements with its repetitions written out`);
    return element;
  }

  #numberOf(name: string): number {
    let number = this.#names.get(name);
    if (number === undefined) {
      number = this.#rules.push(undefined) - 1;
      this.#names.set(name, number);
    }
    return number;
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
    const match = overLines ? /(?:[ \t\r\n]|#[^\n]*)*/y : /(?:[ \t]|#[^\n]*)*/y;
    match.lastIndex = this.#at;
    this.#at += match.exec(this.#source)?.[0].length ?? 0;
  }

  #fail(what: string): never {
    const line = this.#source.slice(0, this.#at).split("\n").length;
    refuseGrammar(`is not valid GBNF: ${what} (line ${line})`);
  }
}
