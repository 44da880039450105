import { LAST_CODE_POINT, type Range } from "./code-points.ts";
import { unsupported } from "./schema.ts";

/** A regular expression of the safe subset, as a tree. Lengths are in characters. */
export type PatternNode =
  | { readonly type: "class"; readonly ranges: readonly Range[]; readonly negated: boolean }
  | { readonly type: "sequence"; readonly items: readonly PatternNode[] }
  | { readonly type: "alternatives"; readonly items: readonly PatternNode[] }
  | {
      readonly type: "repeat";
      readonly item: PatternNode;
      readonly min: number;
      readonly max: number | undefined;
    };

/** One top-level alternative; a side without an anchor may have any text before or after it. */
export interface Branch {
  readonly node: PatternNode;
  readonly isStartAnchored: boolean;
  readonly isEndAnchored: boolean;
}

const digit: readonly Range[] = [[0x30, 0x39]];
const word: readonly Range[] = [...digit, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const blank: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, readonly Range[]>> = { d: digit, w: word, s: blank };
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, "0": 0 };

/** Groups in groups: a parser that calls itself must not run out of stack. */
const MAX_NESTING = 32;

/**
 * Reads ECMA-262 regular expressions (with the `u` flag's meaning) without backreferences, lookaround, word
 * boundaries or Unicode properties. They are never run as such.
 */
export class PatternParser {
  readonly #source: readonly string[];
  readonly #path: string;
  #at = 0;
  #nesting = 0;

  constructor(source: string, path: string) {
    this.#source = [...source];
    this.#path = path;
  }

  /** @throws InvalidRequestError naming the construct that is not supported */
  parse(): readonly Branch[] {
    const branches: Branch[] = [];
    do {
      const isStartAnchored = this.#take("^");
      const node = this.#sequence();
      const isEndAnchored = this.#take("$");
      branches.push({ node, isStartAnchored, isEndAnchored });
    } while (this.#take("|"));
    if (this.#at < this.#source.length) this.#refuse(`"${this.#source[this.#at]}" in this place`);
    return branches;
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === "|" || next === ")" || next === "$") break;
      items.push(this.#quantified(this.#atom()));
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { type: "sequence", items };
  }

  #atom(): PatternNode {
    const next = this.#source[this.#at++];
    switch (next) {
      case "(":
        return this.#group();
      case "[":
        return this.#class();
      case ".":
        return { type: "class", ranges: lineEnds, negated: true };
      case "\\":
        return this.#escape();
      case "^":
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        return this.#refuse(`"${next}" in this place`);
      default:
        return single(next ?? "");
    }
  }

  #group(): PatternNode {
    if (++this.#nesting > MAX_NESTING) this.#refuse("nesting this deep");
    if (this.#take("?") && !this.#take(":")) this.#refuse("lookaround and named groups");
    const items: PatternNode[] = [];
    do {
      items.push(this.#sequence());
    } while (this.#take("|"));
    if (!this.#take(")")) this.#refuse("a group that does not end, or an anchor within one");
    this.#nesting--;
    return items.length === 1 && items[0] !== undefined ? items[0] : { type: "alternatives", items };
  }

  #quantified(item: PatternNode): PatternNode {
    const next = this.#source[this.#at];
    let [min, max]: [number, number | undefined] = [1, 1];
    if (next === "*") [min, max] = [0, undefined];
    else if (next === "+") [min, max] = [1, undefined];
    else if (next === "?") [min, max] = [0, 1];
    else if (next === "{") {
      const match = /^\{(\d{1,5})(,(\d{1,5})?)?\}/.exec(this.#source.slice(this.#at, this.#at + 14).join(""));
      if (match === null) return this.#refuse("this quantifier");
      min = Number(match[1]);
      max = match[2] === undefined ? min : match[3] === undefined ? undefined : Number(match[3]);
      this.#at += match[0].length - 1;
    } else return item;
    this.#at++;
    // Lazy or greedy: the strings that match are the same.
    this.#take("?");
    if (max !== undefined && max < min) this.#refuse("a quantifier whose bounds are the wrong way round");
    // (x+)+ is x+: nested repetitions without end would only be more ways to read the same text.
    if (item.type === "repeat" && item.max === undefined && item.min <= 1 && min <= 1 && max === undefined) {
      return { ...item, min: min * item.min };
    }
    return { type: "repeat", item, min, max };
  }

  #escape(): PatternNode {
    const next = this.#source[this.#at++];
    if (next === undefined) return this.#refuse("a backslash at the end");
    const ranges = classes[next.toLowerCase()];
    if (ranges !== undefined) return { type: "class", ranges, negated: next !== next.toLowerCase() };
    return single(String.fromCodePoint(this.#escapedCode(next)));
  }

  #escapedCode(next: string): number {
    const control = controls[next];
    if (control !== undefined) return control;
    if (next === "x" || next === "u") {
      const rest = this.#source.slice(this.#at, this.#at + 10).join("");
      const match =
        next === "x"
          ? /^([0-9a-fA-F]{2})/.exec(rest)
          : /^(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/.exec(rest);
      const code = Number.parseInt(match?.[1] ?? match?.[2] ?? "", 16);
      if (match === null || code > LAST_CODE_POINT) return this.#refuse(`this \\${next} escape`);
      this.#at += match[0].length;
      return code >= 0xd800 && code <= 0xdfff ? this.#pairedCode(code) : code;
    }
    if (/[A-Za-z0-9]/.test(next)) return this.#refuse(`\\${next}`);
    return next.codePointAt(0) ?? 0;
  }

  /** A character beyond U+FFFF may be spelt as its two surrogates; half a pair is no character. */
  #pairedCode(lead: number): number {
    const match = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(
      this.#source.slice(this.#at, this.#at + 6).join(""),
    );
    if (match?.[1] === undefined || lead > 0xdbff) return this.#refuse("half a surrogate pair");
    this.#at += match[0].length;
    return 0x10000 + (lead - 0xd800) * 0x400 + (Number.parseInt(match[1], 16) - 0xdc00);
  }

  #class(): PatternNode {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const from = this.#member();
      if (typeof from !== "number") {
        ranges.push(...from);
      } else if (this.#source[this.#at] === "-" && this.#source[this.#at + 1] !== "]") {
        this.#at++;
        const to = this.#member();
        if (typeof to !== "number" || to < from) return this.#refuse("this range of characters");
        ranges.push([from, to]);
      } else ranges.push([from, from]);
    }
    return { type: "class", ranges, negated };
  }

  /** A character, or the characters of `\d` and its kin. */
  #member(): number | readonly Range[] {
    const next = this.#source[this.#at++];
    if (next === undefined) return this.#refuse("a class of characters that does not end");
    if (next !== "\\") return next.codePointAt(0) ?? 0;
    const escaped = this.#source[this.#at++];
    if (escaped === undefined) return this.#refuse("a backslash at the end");
    if (escaped === "b") return 8;
    const ranges = classes[escaped];
    if (ranges !== undefined) return ranges;
    if (classes[escaped.toLowerCase()] !== undefined) return this.#refuse(`\\${escaped} in a class`);
    return this.#escapedCode(escaped);
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(what: string): never {
    throw unsupported(this.#path, "pattern", `${what} is beyond the safe subset of regular expressions`);
  }
}

function single(character: string): PatternNode {
  const code = character.codePointAt(0) ?? 0;
  return { type: "class", ranges: [[code, code]], negated: false };
}
