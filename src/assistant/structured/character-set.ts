import { LAST_CODE_POINT } from "../../inference/constraints/automaton.ts";

/** First and last code point, both included. */
export type Range = readonly [number, number];

/** Sorted ranges that neither overlap nor touch. */
export type CharacterSet = readonly Range[];

export const anyCharacter: CharacterSet = [[0, LAST_CODE_POINT]];

export function characterSet(ranges: readonly Range[]): CharacterSet {
  const merged: Array<[number, number]> = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function complement(set: CharacterSet): CharacterSet {
  const rest: Range[] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST_CODE_POINT) rest.push([next, LAST_CODE_POINT]);
  return rest;
}

const digit: CharacterSet = [[0x30, 0x39]];
export const wordCharacter: CharacterSet = [...digit, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const blank: CharacterSet = characterSet([
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
]);

/** What `.` does not match. */
export const lineEnds: CharacterSet = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** `\d`, `\w` and `\s`, and by capitals everything else; undefined for other letters. */
export function escapedSet(letter: string): CharacterSet | undefined {
  const sets: Readonly<Record<string, CharacterSet>> = { d: digit, w: wordCharacter, s: blank };
  const set = sets[letter.toLowerCase()];
  return set === undefined || letter === letter.toLowerCase() ? set : complement(set);
}

const properties = new Map<string, CharacterSet | undefined>();

/** Characters with a Unicode property, as `\p{…}` names it; undefined where JavaScript knows none of that name. */
export function propertySet(name: string): CharacterSet | undefined {
  if (!properties.has(name)) properties.set(name, findProperty(name));
  return properties.get(name);
}

function findProperty(name: string): CharacterSet | undefined {
  if (!/^[A-Za-z0-9_=]{1,64}$/.test(name)) return undefined;
  let expression: RegExp;
  try {
    expression = new RegExp(`^\\p{${name}}$`, "u");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const ranges: Array<[number, number]> = [];
  // Planes above the third hold no letters, but for private use.
  for (let code = 0; code < 0x40000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    if (!expression.test(String.fromCodePoint(code))) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  return ranges;
}
