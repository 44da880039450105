import { type Automaton, AutomatonRunner } from "../../inference/constraints/automaton.ts";
import { compare, decimalText, parseDecimal } from "../../inference/constraints/decimal.ts";
import type { NumberShape, StringShape } from "../../inference/constraints/json-program.ts";
import { NumberRule } from "../../inference/constraints/number-rule.ts";
import { readNumber } from "../../inference/constraints/number-text.ts";
import { sortTexts } from "../../inference/constraints/text-list.ts";
import { combine } from "./automata.ts";
import { UnsupportedKeywordError } from "./errors.ts";
import { languageOf } from "./keyword-values.ts";
import { textsAutomaton } from "./language.ts";
import type { Part } from "./part.ts";
import { RegexError } from "./regex-syntax.ts";

/** Largest product of an automaton with lengths that is spelt out. */
const MAX_FOLDED = 2000;
const MAX_NOT_TEXTS = 500;
/** States of all automata that are made for one program. */
const MAX_STATES = 15_000;

type Products = Map<Automaton, Map<Automaton | undefined, Automaton | undefined>>;

/** Automata of a program, each once. */
export class AutomatonPool {
  readonly automata: Automaton[] = [];
  readonly #indices = new Map<Automaton, number>();
  readonly #combined = new Map<string, Automaton | undefined>();
  readonly #intersections: Products = new Map();
  readonly #differences: Products = new Map();
  #states = 0;

  indexOf(automaton: Automaton): number {
    const known = this.#indices.get(automaton);
    if (known !== undefined) return known;
    this.#indices.set(automaton, this.automata.length);
    return this.automata.push(automaton) - 1;
  }

  /** Made once for a key; undefined where the language is empty. @throws UnsupportedKeywordError */
  get(key: string, path: string, make: () => Automaton | undefined): Automaton | undefined {
    if (!this.#combined.has(key)) {
      this.#combined.set(key, this.make(path, make));
    }
    return this.#combined.get(key);
  }

  /** Texts of `a` that `b` has too; made once for the two. Undefined where there are none. @throws UnsupportedKeywordError */
  intersect(a: Automaton, b: Automaton | undefined, path: string): Automaton | undefined {
    return this.#product(this.#intersections, a, b, path, intersect);
  }

  /** Texts of `a` that `b` has not. @throws UnsupportedKeywordError */
  without(a: Automaton, b: Automaton | undefined, path: string): Automaton | undefined {
    return this.#product(this.#differences, a, b, path, without);
  }

  #product(
    known: Products,
    a: Automaton,
    b: Automaton | undefined,
    path: string,
    make: (a: Automaton, b: Automaton | undefined) => Automaton | undefined,
  ): Automaton | undefined {
    const own = known.get(a) ?? new Map<Automaton | undefined, Automaton | undefined>();
    known.set(a, own);
    if (!own.has(b))
      own.set(
        b,
        this.make(path, () => make(a, b)),
      );
    return own.get(b);
  }

  /** @throws UnsupportedKeywordError when it grows too large, or all together do */
  make(path: string, make: () => Automaton | undefined): Automaton | undefined {
    try {
      const automaton = make();
      this.#states += automaton?.accepting.length ?? 0;
      if (this.#states > MAX_STATES) throw new RegexError("patterns that need too many states together");
      return automaton;
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      throw new UnsupportedKeywordError(path, "pattern", `${error.message} can't be held`);
    }
  }
}

export const everything: Automaton = {
  starts: Int32Array.of(0),
  classes: Uint16Array.of(0),
  classCount: 1,
  table: Int32Array.of(0),
  accepting: Uint8Array.of(1),
};

/** `language` without what patterns and texts exclude; undefined where nothing is left. */
export function intersect(a: Automaton | undefined, b: Automaton | undefined): Automaton | undefined {
  return a === undefined || b === undefined ? undefined : combine(a, b, "and");
}

export function without(a: Automaton | undefined, b: Automaton | undefined): Automaton | undefined {
  return a === undefined || b === undefined ? a : combine(a, b, "without");
}

/** The texts that a part's patterns allow; `everything` where it has none, undefined where there are none. */
export function textLanguage(part: Part, pool: AutomatonPool, path: string): Automaton | undefined {
  if (part.notTexts.length > MAX_NOT_TEXTS)
    throw new UnsupportedKeywordError(path, "not", `more than ${MAX_NOT_TEXTS} texts`);
  const patterns = part.patterns.toSorted();
  return pool.get(JSON.stringify([patterns, part.notTexts]), path, () => {
    let language: Automaton | undefined = everything;
    for (const pattern of patterns) {
      const { automaton } = languageOf(pattern.slice(1), path, "pattern");
      language = pattern.startsWith("!") ? without(language, automaton) : intersect(language, automaton);
    }
    return part.notTexts.length === 0 ? language : without(language, textsAutomaton(part.notTexts));
  });
}

export function accepts(automaton: Automaton | undefined, text: string): boolean {
  if (automaton === undefined) return false;
  const { starts, classes, classCount, table, accepting } = automaton;
  let state = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    let range = starts.length - 1;
    while (range > 0 && (starts[range] as number) > code) range--;
    state = table[state * classCount + (classes[range] as number)] as number;
    if (state < 0) return false;
  }
  return accepting[state] === 1;
}

export function isEverything(automaton: Automaton | undefined): boolean {
  return automaton === everything;
}

/** Undefined where no string is left. */
export function stringShape(part: Part, pool: AutomatonPool, path: string): StringShape | undefined {
  const { minLength, maxLength } = part;
  const most = maxLength ?? Number.POSITIVE_INFINITY;
  const language = textLanguage(part, pool, path);
  if (language === undefined || minLength > most) return undefined;
  if (part.texts !== undefined) {
    const texts = part.texts.filter((text) => {
      const { length } = [...text];
      return length >= minLength && length <= most && accepts(language, text);
    });
    return texts.length === 0 ? undefined : { type: "string", minLength: 0, texts: sortTexts(texts) };
  }
  const lengths = { minLength, ...(maxLength !== undefined && { maxLength }) };
  if (isEverything(language)) return { type: "string", ...lengths };
  const states = language.accepting.length * ((maxLength ?? minLength) + 1);
  const isBounded = minLength > 0 || maxLength !== undefined;
  if (isBounded && states <= MAX_FOLDED) {
    const key = JSON.stringify([part.patterns.toSorted(), part.notTexts, minLength, maxLength]);
    const folded = pool.get(key, path, () => intersect(language, lengthAutomaton(minLength, maxLength)));
    return folded === undefined
      ? undefined
      : { type: "string", minLength: 0, automaton: pool.indexOf(folded) };
  }
  const { shortest, longest } = new AutomatonRunner(language);
  if ((shortest[0] as number) > most || (longest[0] as number) < minLength) return undefined;
  return { type: "string", ...lengths, automaton: pool.indexOf(language) };
}

/** Texts of a number of characters. */
function lengthAutomaton(min: number, max: number | undefined): Automaton {
  const last = max ?? min;
  if (last > MAX_FOLDED) throw new RegexError(`lengths above ${MAX_FOLDED} beside it`);
  const states = Array.from({ length: last + 1 }, (_, state) => state);
  return {
    starts: Int32Array.of(0),
    classes: Uint16Array.of(0),
    classCount: 1,
    table: Int32Array.from(states, (state) => (state < last ? state + 1 : max === undefined ? state : -1)),
    accepting: Uint8Array.from(states, (state) => (state >= min ? 1 : 0)),
  };
}

/** Undefined where no number is left. */
export function numberShape(part: Part): NumberShape | undefined {
  const { min, max, step } = part;
  const shape: NumberShape = {
    type: "number",
    ...(min !== undefined && { min: decimalText(min.value), excludesMin: min.isExcluded }),
    ...(max !== undefined && { max: decimalText(max.value), excludesMax: max.isExcluded }),
    ...(step !== undefined && { multipleOf: decimalText(step) }),
    ...(part.notNumbers.length > 0 && { not: part.notNumbers }),
    ...(part.isFractional && { isFractional: true }),
  };
  if (step !== undefined && part.isFractional && compare(step, parseDecimal("1")) === 0) return undefined;
  const rule = new NumberRule(shape);
  if (part.numbers !== undefined) {
    const texts = part.numbers.filter((number) => rule.accepts(number));
    return texts.length === 0 ? undefined : { type: "number", texts: sortTexts(texts) };
  }
  const starts = [..."-0123456789"].some((start) => {
    const position = readNumber(undefined, start.charCodeAt(0));
    return position !== undefined && rule.mayContinue(start, position);
  });
  return starts ? shape : undefined;
}

/** A part's strings as one language, lengths and lists included; for names. Undefined where there are none. */
export function nameLanguage(part: Part, pool: AutomatonPool, path: string): Automaton | undefined {
  const language = textLanguage(part, pool, path);
  const { texts, minLength, maxLength } = part;
  return pool.make(path, () => {
    const listed = texts === undefined ? language : intersect(language, textsAutomaton(texts));
    const isBounded = minLength > 0 || maxLength !== undefined;
    return isBounded ? intersect(listed, lengthAutomaton(minLength, maxLength)) : listed;
  });
}
