import { InvalidRequestError } from "../../errors.ts";
import { alternatives, characterClass, type Grammar, literal, sequence } from "../structured/gbnf.ts";
import { object } from "../structured/json-text.ts";
import { translate } from "../structured/schema-grammar.ts";
import type { Tool } from "../template/message.ts";
import {
  type ArgumentStyle,
  type CallFormat,
  type CallPiece,
  opening,
  type ThoughtFormat,
  trigger,
} from "./format.ts";

/** A tool as a client declared it. */
export interface DeclaredTool extends Tool {
  /** Refuse a schema that a grammar can't hold in full; otherwise what it can't hold is left to the model. */
  readonly strict: boolean;
  /** How errors name its schema: `tools[0].function.parameters`. */
  readonly path: string;
}

export interface CallRules {
  readonly tools: readonly DeclaredTool[];
  readonly calls: CallFormat;
  /** More than one call in an answer. */
  readonly parallel: boolean;
}

/** Rule for at least one call of the tools. @throws InvalidRequestError for an unsupported schema */
export function requiredCalls(grammar: Grammar, rules: CallRules): string {
  return sequence(literal(rules.calls.open), callList(grammar, rules, literal));
}

/**
 * Rule for an answer that may call tools. What it may be otherwise is `answer` (a JSON text's rule), or any text
 * when that is undefined.
 */
export function optionalCalls(
  grammar: Grammar,
  rules: CallRules,
  answer: ((grammar: Grammar) => string) | undefined,
): string {
  const { calls } = rules;
  if (answer !== undefined) return alternatives([requiredCalls(grammar, rules), answer(grammar)]);
  if (calls.mayFollowText) {
    const begin = trigger(calls);
    const rest = opening(calls).trimStart().slice(begin.length);
    const afterOpen = Math.max(0, begin.length - calls.open.trimStart().length);
    const called = grammar.rule(
      afterOpen === 0
        ? sequence(
            literal(rest.slice(0, rest.length - firstText(calls).length)),
            callList(grammar, rules, literal),
          )
        : callList(grammar, rules, (text, index) => literal(index === 0 ? text.slice(afterOpen) : text)),
    );
    return textUntil(grammar, begin, called);
  }
  const first = opening(calls).codePointAt(0) ?? 0;
  const text = `${characterClass(
    [
      [0, 0],
      [first, first],
    ],
    true,
  )} ${characterClass([[0, 0]], true)}*`;
  return alternatives([requiredCalls(grammar, rules), text, ""]);
}

/** Rule for thoughts and the line breaks behind them; `isOpen` where the prompt has opened them. */
export function thoughtsRule(grammar: Grammar, { open, close }: ThoughtFormat, isOpen: boolean): string {
  const inside = textThrough(grammar, close.trim());
  const breaks = '"\\n"? "\\n"?';
  return isOpen ? sequence(inside, breaks) : `(${sequence(literal(open.trim()), inside, breaks)})?`;
}

function firstText({ call }: CallFormat): string {
  const first = call[0];
  return first?.type === "text" ? first.text : "";
}

/** Calls one after another and what closes them; `first` writes the texts of the first call. */
function callList(
  grammar: Grammar,
  rules: CallRules,
  first: (text: string, index: number) => string,
): string {
  const { calls, parallel } = rules;
  const more =
    parallel && calls.between !== undefined
      ? `(${sequence(literal(calls.between), grammar.rule(call(grammar, rules, literal)))})*`
      : "";
  return sequence(call(grammar, rules, first), more, literal(calls.close));
}

function call(
  grammar: Grammar,
  { tools, calls }: CallRules,
  write: (text: string, index: number) => string,
): string {
  const at = calls.call.findIndex(({ type }) => type === "name");
  const rule = (tool: DeclaredTool, piece: CallPiece, index: number): string => {
    switch (piece.type) {
      case "text":
        return write(piece.text, index);
      case "name":
        return literal(tool.name);
      case "id":
        return "[A-Za-z0-9_-]{1,32}";
      case "arguments":
        return argumentsRule(grammar, tool, piece.style);
    }
  };
  const written = (tool: DeclaredTool, from: number, to?: number) =>
    sequence(...calls.call.slice(from, to).map((piece, index) => rule(tool, piece, from + index)));
  const options = tools.map((tool) => written(tool, at));
  const before = tools[0] === undefined ? "" : written(tools[0], 0, at);
  return sequence(before, alternatives(options));
}

function argumentsRule(
  grammar: Grammar,
  { parameters, strict, path }: DeclaredTool,
  _style: ArgumentStyle,
): string {
  if (parameters === undefined) return object(grammar);
  const { type = "object" } = parameters;
  if (type !== "object") {
    throw new InvalidRequestError(`${path}.type must be object: arguments have names.`, {
      param: `${path}.type`,
    });
  }
  return translate(grammar, { ...parameters, type }, { path, lenient: !strict });
}

/** Any text, and where it holds `marker`, `after` behind that. */
function textUntil(grammar: Grammar, marker: string, after: string): string {
  return search(grammar, marker, after, true);
}

/** Any text through the first `marker`. */
function textThrough(grammar: Grammar, marker: string): string {
  return search(grammar, marker, "", false);
}

/**
 * The states are those of Knuth, Morris and Pratt's search, so that the text before holds no whole `marker` and each
 * character leads to one state. `mayEnd`: the text may end without the marker.
 */
function search(grammar: Grammar, marker: string, after: string, mayEnd: boolean): string {
  const letters = [...new Set(marker)];
  const names = [...marker].map(() => grammar.reserve());
  for (const [matched, name] of names.entries()) {
    const byState = new Map<number, string[]>();
    for (const letter of letters) {
      const next = overlap([...marker].slice(0, matched).join("") + letter, marker);
      if (next > 0) byState.set(next, [...(byState.get(next) ?? []), letter]);
    }
    const options = [...byState].map(([next, found]) =>
      sequence(classOf(found, false), next === names.length ? after : (names[next] as string)),
    );
    const others = classOf([...byState.values()].flat().concat("\0"), true);
    grammar.define(
      name,
      `(${[...options, sequence(others, names[0] as string)].join(" | ")})${mayEnd ? "?" : ""}`,
    );
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
