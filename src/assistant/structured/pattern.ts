import type { Range } from "./code-points.ts";
import { alternatives, characterClass, type Grammar, literal, repeat, sequence } from "./gbnf.ts";
import { character, RESERVED_RANGES } from "./json-text.ts";
import { lengths } from "./pattern-lengths.ts";
import { type PatternNode, PatternParser } from "./pattern-syntax.ts";
import { unsupported } from "./schema.ts";

/** Characters that a pattern may spell out, its repetitions multiplied out. */
const MAX_EXPANSION = 2000;

/** How JSON writes the characters that it does not take as they are. */
const escapes: ReadonlyArray<readonly [number, string]> = [
  [0x22, '\\"'],
  [0x5c, "\\\\"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
];

export interface PatternRule {
  /** Expression for the inside of a JSON string that matches. */
  readonly text: string;
  readonly minLength: number;
  readonly maxLength: number | undefined;
}

/**
 * A regular expression as a grammar over JSON strings.
 * @throws InvalidRequestError for what is outside the safe subset, or too large
 */
export function patternRule(grammar: Grammar, source: string, path: string): PatternRule {
  const branches = new PatternParser(source, path).parse();
  const total = branches.reduce((sum, { node }) => sum + expansion(node), 0);
  if (total > MAX_EXPANSION) {
    throw unsupported(path, "pattern", `its repetitions multiply to more than ${MAX_EXPANSION} characters`);
  }
  const anything = `${character(grammar)}*`;
  const all = branches.map(({ node }) => lengths(node));
  const isOpen = branches.some(({ isStartAnchored, isEndAnchored }) => !isStartAnchored || !isEndAnchored);
  const options = branches.map(({ node, isStartAnchored, isEndAnchored }) =>
    sequence(isStartAnchored ? "" : anything, expression(grammar, node, path), isEndAnchored ? "" : anything),
  );
  return {
    text: alternatives(options),
    minLength: Math.min(...all.map(({ min }) => min)),
    maxLength:
      isOpen || all.some(({ max }) => max === undefined)
        ? undefined
        : Math.max(...all.map(({ max = 0 }) => max)),
  };
}

function expansion(node: PatternNode): number {
  switch (node.type) {
    case "class":
      return 1;
    case "repeat":
      return expansion(node.item) * Math.max(1, node.max ?? node.min);
    default:
      return node.items.reduce((sum, item) => sum + expansion(item), 1);
  }
}

function expression(grammar: Grammar, node: PatternNode, path: string): string {
  switch (node.type) {
    case "class":
      return grammar.rule(jsonCharacter(node.ranges, node.negated, path));
    case "sequence":
      return sequence(...node.items.map((item) => expression(grammar, item, path)));
    case "alternatives":
      // Each way to match nothing would double the ways to read what follows.
      if (node.items.filter((item) => lengths(item).min === 0).length > 1)
        throw unsupported(path, "pattern", "several alternatives that may be empty");
      return alternatives(node.items.map((item) => expression(grammar, item, path)));
    case "repeat": {
      if (lengths(node.item).min === 0 && node.max !== 1 && node.max !== 0)
        throw unsupported(path, "pattern", "a repetition of something that may be empty");
      const item = grammar.rule(expression(grammar, node.item, path));
      return repeat(grammar, item, node.min, node.max);
    }
  }
}

/** One character out of a set, as a JSON string holds it. */
function jsonCharacter(ranges: readonly Range[], negated: boolean, path: string): string {
  if (negated) return characterClass([...ranges, ...RESERVED_RANGES], true);
  const options: string[] = [];
  const plain = RESERVED_RANGES.reduce<readonly Range[]>(without, ranges);
  if (plain.length > 0) options.push(characterClass(plain));
  for (const [code, escaped] of escapes) {
    if (ranges.some(([from, to]) => from <= code && code <= to)) options.push(literal(escaped));
  }
  if (options.length === 0)
    throw unsupported(path, "pattern", "a control character that JSON has no short form for");
  return alternatives(options);
}

function without(ranges: readonly Range[], [from, to]: Range): readonly Range[] {
  return ranges.flatMap(([first, last]): Range[] => {
    if (last < from || first > to) return [[first, last]];
    return [
      ...(first < from ? [[first, from - 1] as const] : []),
      ...(last > to ? [[to + 1, last] as const] : []),
    ];
  });
}
