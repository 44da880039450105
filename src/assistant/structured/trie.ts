import { alternatives, characterClass, type Grammar, literal, sequence } from "./gbnf.ts";
import { RESERVED_RANGES } from "./json-text.ts";

interface Node {
  readonly next: Map<string, Node>;
  isEnd: boolean;
}

function build(texts: readonly string[]): Node {
  const root: Node = { next: new Map(), isEnd: false };
  for (const text of texts) {
    let node = root;
    for (const step of text) {
      let next = node.next.get(step);
      if (next === undefined) {
        next = { next: new Map(), isEnd: false };
        node.next.set(step, next);
      }
      node = next;
    }
    node.isEnd = true;
  }
  return root;
}

/** One of `texts`, by shared beginnings, so that sampling never follows more of them than can still be meant. */
export function oneOf(grammar: Grammar, texts: readonly string[]): string {
  return expression(grammar, build(texts));
}

function expression(grammar: Grammar, start: Node): string {
  let node = start;
  let run = "";
  for (;;) {
    const [only] = node.next;
    if (node.isEnd || node.next.size !== 1 || only === undefined) break;
    run += only[0];
    node = only[1];
  }
  if (node.next.size === 0) return literal(run);
  const branches = [...node.next].map(([step, next]) => sequence(literal(step), expression(grammar, next)));
  const rest = grammar.rule(alternatives(node.isEnd ? [...branches, ""] : branches));
  return sequence(literal(run), rest);
}

/**
 * The inside of a JSON string that is none of `names`: it leaves the trie of them somewhere. Names with characters
 * that JSON escapes can't be spelt here, and so need no exclusion beyond being left out.
 */
export function noneOf(grammar: Grammar, names: readonly string[]): string {
  const plain = names.filter((name) => JSON.stringify(name) === `"${name}"`);
  return outside(grammar, build(plain));
}

function outside(grammar: Grammar, node: Node): string {
  const known = [...node.next.keys()].map((step) => step.codePointAt(0) ?? 0);
  const other = characterClass([...RESERVED_RANGES, ...known.map((code) => [code, code] as const)], true);
  const options = [
    ...[...node.next].map(([step, next]) => sequence(literal(step), outside(grammar, next))),
    sequence(other, `${plainCharacter(grammar)}*`),
    ...(node.isEnd ? [] : [""]),
  ];
  return grammar.rule(alternatives(options));
}

/** Without escapes, so that no name has a second spelling. */
function plainCharacter(grammar: Grammar): string {
  return grammar.rule(characterClass(RESERVED_RANGES, true));
}
