import type { Automaton } from "../../inference/constraints/automaton.ts";
import { combine, determinize } from "./automata.ts";
import { anyCharacter } from "./character-set.ts";
import { buildNfa } from "./nfa.ts";
import { type Regex, RegexError, RegexParser } from "./regex-syntax.ts";

/** The texts that a pattern matches somewhere in them; `automaton` is undefined where it matches none. */
export interface Language {
  readonly automaton: Automaton | undefined;
  /** It is smaller than the pattern means, so what is outside may match as well. */
  readonly isNarrowed: boolean;
}

const anything: Regex = { type: "repeat", item: { type: "set", set: anyCharacter }, min: 0, max: undefined };
const known = new Map<string, Language>();
const MAX_KNOWN = 500;

/** @throws RegexError naming what is not supported */
export function patternLanguage(source: string): Language {
  let language = known.get(source);
  if (language === undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    const parser = new RegexParser(source);
    const tree = parser.parse();
    language = { automaton: automatonOf(tree), isNarrowed: parser.isNarrowed };
    known.set(source, language);
  }
  return language;
}

/** The texts that a pattern matches as a whole, undefined where there are none. @throws RegexError */
export function wholeTextAutomaton(source: string): Automaton | undefined {
  const tree = new RegexParser(source).parse();
  const branches = tree.type === "choice" ? tree.items : [tree];
  const items = branches.map(
    (item): Regex => ({
      type: "sequence",
      items: [{ type: "assert", kind: "start" }, item, { type: "assert", kind: "end" }],
    }),
  );
  return automatonOf({ type: "choice", items });
}

/** The texts of a list, for what is not one of them. @throws RegexError */
export function textsAutomaton(texts: readonly string[]): Automaton | undefined {
  const items = texts.map((text): Regex => {
    const sets = [...text].map((character): Regex => {
      const code = character.codePointAt(0) ?? 0;
      return { type: "set", set: [[code, code]] };
    });
    return { type: "sequence", items: sets };
  });
  return determinize(buildNfa({ type: "choice", items }));
}

function automatonOf(tree: Regex): Automaton | undefined {
  const branches = tree.type === "choice" ? tree.items : [tree];
  const items = branches.flatMap((branch) => resolveLooks(flat(branch)) ?? []);
  if (items.length === 0) return undefined;
  // A branch that was resolved is a whole text already; what surrounds a match elsewhere is part of it.
  return determinize(buildNfa({ type: "choice", items }));
}

/** The parts of a sequence, sequences within it taken apart. */
function flat(tree: Regex): readonly Regex[] {
  return tree.type === "sequence" ? tree.items.flatMap(flat) : [tree];
}

/**
 * A branch as an expression for whole texts. What is behind a lookahead must also be what it looks for: from the last
 * to the first, the rest of the branch becomes one language. Undefined where that is empty.
 */
function resolveLooks(branch: readonly Regex[]): Regex | undefined {
  const without = withoutRepeatedLook(branch);
  let rest: readonly Regex[] = [...without, anything];
  for (;;) {
    const at = rest.findLastIndex(({ type }) => type === "look");
    const look = rest[at];
    if (look?.type !== "look") break;
    const before = rest.slice(0, at);
    const behind = rest.slice(at + 1);
    const isAtStart = before.every(({ type }) => type === "assert" || type === "look");
    const seen: Regex = { type: "sequence", items: [look.item, anything] };
    if (!isAtStart && [...behind, seen].some(mentionsPlace))
      throw new RegexError("an anchor behind a lookahead");
    const found = determinize(buildNfa({ type: "sequence", items: behind }));
    const wanted = determinize(buildNfa(seen));
    const both =
      found === undefined || wanted === undefined
        ? look.isNegated && wanted === undefined
          ? found
          : undefined
        : combine(found, wanted, look.isNegated ? "without" : "and");
    if (both === undefined) return undefined;
    rest = [...before, { type: "automaton", automaton: both }];
  }
  return { type: "sequence", items: [anything, ...rest] };
}

/** `((?!x).)*` up to the end: x is nowhere in it. */
function withoutRepeatedLook(branch: readonly Regex[]): readonly Regex[] {
  return branch.flatMap((item, index): readonly Regex[] => {
    if (item.type !== "repeat" || item.max !== undefined) return [item];
    const parts = flat(item.item);
    const [look, one] = parts;
    if (parts.length !== 2 || look?.type !== "look" || !look.isNegated || one?.type !== "set") return [item];
    const next = branch[index + 1];
    if (next?.type !== "assert" || next.kind !== "end") throw new RegexError("lookahead within a repetition");
    const nowhere: Regex = { type: "sequence", items: [anything, look.item] };
    return [
      { type: "look", item: nowhere, isNegated: true },
      { type: "repeat", item: one, min: item.min, max: undefined },
    ];
  });
}

/** Whether an expression depends on what is before it. */
function mentionsPlace(tree: Regex): boolean {
  switch (tree.type) {
    case "assert":
      return tree.kind !== "end";
    case "sequence":
    case "choice":
      return tree.items.some(mentionsPlace);
    case "repeat":
    case "look":
      return mentionsPlace(tree.item);
    default:
      return false;
  }
}
