import { InvalidRequestError } from "../../errors.ts";
import { alternatives, characterClass, Grammar, literal, sequence } from "../structured/gbnf.ts";
import { object } from "../structured/json-text.ts";
import { translate } from "../structured/schema-grammar.ts";
import type { Tool } from "../template/message.ts";
import type { ToolCallFormat } from "./tool-calls.ts";

/** A tool as a client declared it. */
export interface DeclaredTool extends Tool {
  /** Refuse a schema that a grammar can't hold in full; otherwise what it can't hold is left to the model. */
  readonly strict: boolean;
  /** How errors name its schema: `tools[0].function.parameters`. */
  readonly path: string;
}

export interface CallRules {
  readonly tools: readonly DeclaredTool[];
  readonly format: ToolCallFormat;
  /** More than one call in an answer. */
  readonly parallel: boolean;
}

/** GBNF for an answer that calls at least one of the tools. @throws InvalidRequestError for an unsupported schema */
export function requiredCallGrammar(rules: CallRules): string {
  const grammar = new Grammar();
  return grammar.text(sequence(literal(rules.format.open), calls(grammar, rules)));
}

/**
 * GBNF for an answer that may call tools. What it may be otherwise is `answer` (a JSON text's rule), or any text
 * when that is undefined.
 */
export function optionalCallGrammar(
  rules: CallRules,
  answer: ((grammar: Grammar) => string) | undefined,
): string {
  const grammar = new Grammar();
  const { open, beforeName, mayFollowText } = rules.format;
  const called = grammar.rule(calls(grammar, rules));
  if (answer !== undefined) {
    return grammar.text(alternatives([sequence(literal(open), called), answer(grammar)]));
  }
  if (mayFollowText) return grammar.text(textUntil(grammar, open.trimEnd(), sequence('"\\n"', called)));
  const first = (open + beforeName).codePointAt(0) ?? 0;
  const text = `${characterClass(
    [
      [0, 0],
      [first, first],
    ],
    true,
  )} ${characterClass([[0, 0]], true)}*`;
  return grammar.text(alternatives([sequence(literal(open), called), text, ""]));
}

function calls(grammar: Grammar, { tools, format, parallel }: CallRules): string {
  const options = tools.map((tool) =>
    sequence(literal(tool.name + format.beforeArguments), argumentsRule(grammar, tool)),
  );
  const call = grammar.rule(
    sequence(literal(format.beforeName), alternatives(options), literal(format.afterArguments)),
  );
  const more = parallel && format.between !== undefined ? `(${literal(format.between)} ${call})*` : "";
  return sequence(call, more, literal(format.close));
}

function argumentsRule(grammar: Grammar, { parameters, strict, path }: DeclaredTool): string {
  if (parameters === undefined) return object(grammar);
  const { type = "object" } = parameters;
  if (type !== "object") {
    throw new InvalidRequestError(`${path}.type must be object: arguments have names.`, {
      param: `${path}.type`,
    });
  }
  return translate(grammar, { ...parameters, type }, { path, lenient: !strict });
}

/**
 * Any text, up to `trigger` and then `after`. The states are those of Knuth, Morris and Pratt's search, so that the
 * text before holds no whole trigger and each character leads to one state.
 */
function textUntil(grammar: Grammar, trigger: string, after: string): string {
  const letters = [...new Set(trigger)];
  const names = [...trigger].map(() => grammar.reserve());
  for (const [matched, name] of names.entries()) {
    const byState = new Map<number, string[]>();
    for (const letter of letters) {
      const next = overlap(trigger.slice(0, matched) + letter, trigger);
      if (next > 0) byState.set(next, [...(byState.get(next) ?? []), letter]);
    }
    const options = [...byState].map(([next, found]) =>
      sequence(classOf(found, false), next === trigger.length ? after : (names[next] as string)),
    );
    const others = classOf([...byState.values()].flat().concat("\0"), true);
    grammar.define(name, `(${[...options, sequence(others, names[0] as string)].join(" | ")})?`);
  }
  return names[0] ?? after;
}

/** Length of the longest beginning of `trigger` that `text` ends in. */
function overlap(text: string, trigger: string): number {
  let length = Math.min(text.length, trigger.length);
  while (length > 0 && !text.endsWith(trigger.slice(0, length))) length--;
  return length;
}

function classOf(letters: readonly string[], negated: boolean): string {
  const codes = letters.map((letter) => letter.codePointAt(0) ?? 0);
  return characterClass(
    codes.map((code) => [code, code] as const),
    negated,
  );
}
