import type { Automaton } from "../../inference/constraints/automaton.ts";
import {
  type CharacterSet,
  characterSet,
  complement,
  escapedSet,
  lineEnds,
  propertySet,
  type Range,
} from "./character-set.ts";

/** A regular expression as a tree. */
export type Regex =
  | { readonly type: "set"; readonly set: CharacterSet }
  | { readonly type: "sequence"; readonly items: readonly Regex[] }
  | { readonly type: "choice"; readonly items: readonly Regex[] }
  | {
      readonly type: "repeat";
      readonly item: Regex;
      readonly min: number;
      readonly max: number | undefined;
    }
  | { readonly type: "assert"; readonly kind: "start" | "end" | "word" | "notWord" }
  | { readonly type: "look"; readonly item: Regex; readonly isNegated: boolean }
  /** A language found already. */
  | { readonly type: "automaton"; readonly automaton: Automaton };

/** What a pattern has that is not supported; the message names it. */
export class RegexError extends Error {}

/** Groups in groups: the parser calls itself. */
const MAX_NESTING = 64;
/** Counts above are taken for this one, which only makes the language smaller. */
const MAX_COUNT = 1024;

/** Reads ECMA-262 regular expressions, without backreferences and lookbehind. They are never run as such. */
export class RegexParser {
  readonly #source: readonly string[];
  #at = 0;
  #nesting = 0;
  #isNarrowed = false;

  constructor(source: string) {
    this.#source = [...source];
  }

  /** True where a count was cut: the tree then matches less than the pattern does. */
  get isNarrowed(): boolean {
    return this.#isNarrowed;
  }

  /** @throws RegexError */
  parse(): Regex {
    const tree = this.#choice();
    if (this.#at < this.#source.length) throw new RegexError(`"${this.#source[this.#at]}" in this place`);
    return tree;
  }

  #choice(): Regex {
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    return items.length === 1 ? (items[0] as Regex) : { type: "choice", items };
  }

  #sequence(): Regex {
    const items: Regex[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === "|" || next === ")") break;
      items.push(this.#quantified(this.#atom()));
    }
    return items.length === 1 ? (items[0] as Regex) : { type: "sequence", items };
  }

  #atom(): Regex {
    const next = this.#source[this.#at++];
    switch (next) {
      case "(":
        return this.#group();
      case "[":
        return { type: "set", set: this.#class() };
      case ".":
        return { type: "set", set: complement(lineEnds) };
      case "\\":
        return this.#escape();
      case "^":
        return { type: "assert", kind: "start" };
      case "$":
        return { type: "assert", kind: "end" };
      case "*":
      case "+":
      case "?":
        throw new RegexError(`"${next}" in this place`);
      default:
        return single(next ?? "");
    }
  }

  #group(): Regex {
    if (++this.#nesting > MAX_NESTING) throw new RegexError("nesting this deep");
    let look: boolean | undefined;
    if (this.#take("?")) {
      if (this.#take("=")) look = false;
      else if (this.#take("!")) look = true;
      else if (this.#take("<")) {
        const name = /^[A-Za-z_$][\w$]*>/.exec(this.#ahead(64))?.[0];
        if (name === undefined) throw new RegexError("lookbehind");
        this.#at += name.length;
      } else if (!this.#take(":")) throw new RegexError("this kind of group");
    }
    const item = this.#choice();
    if (!this.#take(")")) throw new RegexError("a group that does not end");
    this.#nesting--;
    return look === undefined ? item : { type: "look", item, isNegated: look };
  }

  #ahead(characters: number): string {
    return this.#source.slice(this.#at, this.#at + characters).join("");
  }

  #quantified(item: Regex): Regex {
    const next = this.#source[this.#at];
    let [min, max]: [number, number | undefined] = [1, 1];
    if (next === "*") [min, max] = [0, undefined];
    else if (next === "+") [min, max] = [1, undefined];
    else if (next === "?") [min, max] = [0, 1];
    else if (next === "{") {
      const match = /^\{(\d{1,9})(,(\d{1,9})?)?\}/.exec(this.#ahead(24));
      if (match === null) return item;
      min = Number(match[1]);
      max = match[2] === undefined ? min : match[3] === undefined ? undefined : Number(match[3]);
      this.#at += match[0].length - 1;
    } else return item;
    this.#at++;
    // Lazy or greedy: the strings that match are the same.
    this.#take("?");
    if (max !== undefined && max < min)
      throw new RegexError("a quantifier whose bounds are the wrong way round");
    if (min > MAX_COUNT) throw new RegexError(`a repetition of more than ${MAX_COUNT}`);
    if (max !== undefined && max > MAX_COUNT) {
      this.#isNarrowed = true;
      max = MAX_COUNT;
    }
    if (item.type === "assert" || item.type === "look")
      return min === 0 ? { type: "sequence", items: [] } : item;
    return this.#quantified({ type: "repeat", item, min, max });
  }

  #escape(): Regex {
    const next = this.#source[this.#at++];
    if (next === undefined) throw new RegexError("a backslash at the end");
    if (next === "b" || next === "B") return { type: "assert", kind: next === "b" ? "word" : "notWord" };
    if (next === "A") return { type: "assert", kind: "start" };
    if (next === "Z" || next === "z") return { type: "assert", kind: "end" };
    const set = this.#escapedSet(next);
    return set === undefined ? single(String.fromCodePoint(this.#escapedCode(next))) : { type: "set", set };
  }

  #escapedSet(letter: string): CharacterSet | undefined {
    if (letter !== "p" && letter !== "P") return escapedSet(letter);
    const match = /^\{([^}]*)\}/.exec(this.#ahead(80));
    const set = match === null ? undefined : propertySet(match[1] ?? "");
    if (match === null || set === undefined) throw new RegexError(`this \\${letter}`);
    this.#at += match[0].length;
    return letter === "p" ? set : complement(set);
  }

  #escapedCode(next: string): number {
    const controls: Readonly<Record<string, number>> = {
      n: 10,
      r: 13,
      t: 9,
      f: 12,
      v: 11,
      "0": 0,
      a: 7,
      e: 27,
    };
    const control = controls[next];
    if (control !== undefined) return control;
    if (next === "c") {
      const letter = this.#source[this.#at++] ?? "";
      if (!/^[A-Za-z]$/.test(letter)) throw new RegexError("this \\c escape");
      return letter.charCodeAt(0) % 32;
    }
    if (next === "x" || next === "u") {
      const form = next === "x" ? /^([0-9a-fA-F]{2})/ : /^(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/;
      const match = form.exec(this.#ahead(10));
      const code = Number.parseInt(match?.[1] ?? match?.[2] ?? "", 16);
      if (match === null || code > 0x10ffff) throw new RegexError(`this \\${next} escape`);
      this.#at += match[0].length;
      return code >= 0xd800 && code <= 0xdbff ? this.#pairedCode(code) : code;
    }
    if (next === "k" || /[1-9]/.test(next)) throw new RegexError("backreferences");
    if (/[A-Za-z]/.test(next)) throw new RegexError(`\\${next}`);
    return next.codePointAt(0) ?? 0;
  }

  /** A character beyond U+FFFF may be spelt as its two surrogates; half a pair matches no character. */
  #pairedCode(high: number): number {
    const match = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.#ahead(6));
    if (match?.[1] === undefined) return high;
    this.#at += match[0].length;
    return 0x10000 + (high - 0xd800) * 0x400 + (Number.parseInt(match[1], 16) - 0xdc00);
  }

  #class(): CharacterSet {
    const isNegated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#member();
      if (typeof from !== "number") {
        ranges.push(...from);
        continue;
      }
      const isRange = this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push([from, from]);
        continue;
      }
      this.#at++;
      const to = this.#member();
      if (typeof to !== "number") ranges.push([from, from], [0x2d, 0x2d], ...to);
      else if (to < from) throw new RegexError("this range of characters");
      else ranges.push([from, to]);
    }
    const set = characterSet(ranges);
    return isNegated ? complement(set) : set;
  }

  /** A character, or the characters of `\d` and its kin. */
  #member(): number | CharacterSet {
    const next = this.#source[this.#at++];
    if (next === undefined) throw new RegexError("a class of characters that does not end");
    if (next !== "\\") return next.codePointAt(0) ?? 0;
    const escaped = this.#source[this.#at++];
    if (escaped === undefined) throw new RegexError("a backslash at the end");
    if (escaped === "b") return 8;
    return this.#escapedSet(escaped) ?? this.#escapedCode(escaped);
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}

function single(character: string): Regex {
  const code = character.codePointAt(0) ?? 0;
  return { type: "set", set: [[code, code]] };
}
