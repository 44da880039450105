import { characterClass, type Grammar, repeat, sequence } from "./gbnf.ts";

/** Rules for JSON itself, the same for every schema. */

/** Code points that stand for themselves in a JSON string of ours: no quote, backslash or control character. */
export const RESERVED_RANGES: ReadonlyArray<readonly [number, number]> = [
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x7f, 0x7f],
];

/** At most one blank, or a line break with its indentation: enough for every common layout, too little to idle in. */
export function space(grammar: Grammar): string {
  return grammar.rule('(" " | "\\n" " "{0,16})?');
}

/**
 * One character of a string. Escapes by number (`\u00e9`) are left out: every character has a shorter form, and half a
 * surrogate pair would be no text.
 */
export function character(grammar: Grammar): string {
  return grammar.rule(`${characterClass(RESERVED_RANGES, true)} | "\\x5c" ["\\\\/bfnrt]`);
}

export function string(grammar: Grammar, minLength = 0, maxLength: number | undefined = undefined): string {
  return grammar.rule(
    sequence('"\\x22"', repeat(grammar, character(grammar), minLength, maxLength), '"\\x22"'),
  );
}

/** Sixteen digits and a two-digit exponent at the most, so that every number is one that JavaScript can hold. */
export function integer(grammar: Grammar): string {
  return grammar.rule('"-"? ("0" | [1-9] [0-9]{0,14})');
}

export function number(grammar: Grammar): string {
  const fraction = grammar.rule('"." [0-9]{1,15}');
  const exponent = grammar.rule("[eE] [-+]? [0-9]{1,2}");
  return grammar.rule(`${integer(grammar)} ${fraction}? ${exponent}?`);
}

export function boolean(grammar: Grammar): string {
  return grammar.rule('"true" | "false"');
}

/** Any JSON value. */
export function value(grammar: Grammar): string {
  return anyValue(grammar).value;
}

/** Any JSON object. */
export function object(grammar: Grammar): string {
  return anyValue(grammar).object;
}

const known = new WeakMap<Grammar, { readonly value: string; readonly object: string }>();

function anyValue(grammar: Grammar) {
  let rules = known.get(grammar);
  if (rules !== undefined) return rules;
  const name = grammar.reserve();
  const gap = space(grammar);
  const text = string(grammar);
  const pair = grammar.rule(`${text} ":" " "? ${name}`);
  const object = grammar.rule(`"{" ${gap} (${pair} ("," ${gap} ${pair})* ${gap})? "}"`);
  const array = grammar.rule(`"[" ${gap} (${name} ("," ${gap} ${name})* ${gap})? "]"`);
  grammar.define(name, `${object} | ${array} | ${text} | ${number(grammar)} | ${boolean(grammar)} | "null"`);
  rules = { value: name, object };
  known.set(grammar, rules);
  return rules;
}
