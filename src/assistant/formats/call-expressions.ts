import { InvalidRequestError } from "../../errors.ts";
import { LAST_CODE_POINT } from "../../inference/constraints/automaton.ts";
import {
  anyTextUntil,
  choice,
  type Expression,
  markup,
  repeat,
  sequence,
  text,
} from "../../inference/constraints/expression.ts";
import type { JsonProgram } from "../../inference/constraints/json-program.ts";
import { UnsupportedKeywordError } from "../structured/errors.ts";
import { objectProgram, schemaProgram } from "../structured/schema-program.ts";
import type { Tool } from "../template/message.ts";
import { argumentsExpression } from "./argument-expressions.ts";
import { type AnswerFormat, type CallPiece, opening, type ThoughtFormat, trigger } from "./format.ts";
import type { RuleBook, Unheld } from "./rule-book.ts";

/** A tool as a client declared it. */
export interface DeclaredTool extends Tool {
  /** Refuse a schema that a grammar can't hold in full; otherwise what it can't hold is left to the model. */
  readonly strict: boolean;
  /** How errors name its schema: `tools[0].function.parameters`. */
  readonly path: string;
}

export interface CallRules {
  readonly tools: readonly DeclaredTool[];
  readonly format: AnswerFormat;
  /** The prompt ends within a text. */
  readonly isSpeaking: boolean;
  /** Characters of a call's opening that the prompt ends in. */
  readonly begunOpening: number;
  /** More than one call in an answer. */
  readonly parallel: boolean;
  readonly rules: RuleBook;
}

/** At least one call of the tools. @throws InvalidRequestError for an unsupported schema */
export function requiredCalls(rules: CallRules): Expression {
  const { calls, texts, turn } = rules.format;
  const list = callList(rules, rules.begunOpening);
  const own = sequence(markup(calls.open), list);
  if (texts === undefined || texts.close === "") return own;
  // Some of these write a text before every call, be it empty.
  const empty = sequence(markup(texts.open), markup(texts.close), markup(turn ?? ""));
  return rules.isSpeaking
    ? sequence(markup(texts.close), markup(turn ?? ""), own)
    : sequence(repeat(empty, 0, 1), own);
}

/** An answer that may call tools, or else is an `answer`: any text when that is undefined. */
export function optionalCalls(rules: CallRules, answer: Expression | undefined): Expression {
  const { calls, texts } = rules.format;
  if (answer !== undefined) return choice(requiredCalls(rules), answer);
  if (texts !== undefined) {
    const spoken = textThenCalls(rules);
    if (rules.isSpeaking) return spoken;
    const openings = [texts.open, ...(rules.format.layout ?? [])].map((open) => markup(open));
    return choice(requiredCalls(rules), sequence(choice(...openings), spoken));
  }
  if (calls.mayFollowText) return callsInText(rules);
  const first = opening(calls).codePointAt(0) ?? 0;
  const others: Expression = {
    type: "characters",
    ranges: [
      [1, first - 1],
      [first + 1, LAST_CODE_POINT],
    ],
  };
  return choice(requiredCalls(rules), sequence(others, anyTextUntil([], { mayEnd: true })), text(""));
}

/** A text up to what closes it, behind which calls may come. */
function textThenCalls(rules: CallRules): Expression {
  const { calls, texts, turn } = rules.format;
  const close = texts?.close.trim() ?? "";
  if (close === "") return callsInText(rules);
  const more = sequence(markup(turn ?? ""), markup(calls.open), callList({ ...rules, begunOpening: 0 }, 0));
  return anyTextUntil([{ text: close, behind: choice(more, text("")) }], { mayEnd: true });
}

/** Text with calls behind it, if there are any. */
function callsInText(rules: CallRules): Expression {
  const { calls } = rules.format;
  const begin = trigger(calls);
  const open = calls.open.trimStart();
  // The marker may be a part of the opening, or reach into the first call.
  const after =
    begin.length <= open.length
      ? sequence(markup(open.slice(begin.length)), callList(rules))
      : callList(rules, begin.length - open.length);
  return anyTextUntil([{ text: begin, behind: after }], { mayEnd: true });
}

/** An answer in JSON, between what surrounds texts. */
export function spokenAnswer({ texts }: AnswerFormat, isSpeaking: boolean, answer: Expression): Expression {
  if (texts === undefined) return answer;
  return sequence(
    ...(isSpeaking ? [] : [markup(texts.open)]),
    answer,
    ...(texts.close === "" ? [] : [repeat(markup(texts.close), 0, 1)]),
  );
}

/** Thoughts and the line breaks behind them; `isOpen` where the prompt has opened them. */
export function thoughts({ open, close }: ThoughtFormat, turn: string, isOpen: boolean): Expression {
  const inside = sequence(anyTextUntil([{ text: close.trim() }]), repeat(text("\n"), 0, 2), markup(turn));
  return isOpen ? inside : repeat(sequence(markup(open.trimEnd()), inside), 0, 1);
}

/** Calls one after another and what closes them; of the first, so many characters are there already. */
function callList(rules: CallRules, written = 0): Expression {
  const { parallel, format } = rules;
  const { calls } = format;
  const more =
    parallel && calls.between !== undefined
      ? [repeat(sequence(markup(calls.between), call(rules, 0)), 0)]
      : [];
  return sequence(call(rules, written), ...more, markup(calls.close));
}

function call({ tools, format, rules }: CallRules, written: number): Expression {
  const { calls } = format;
  const at = calls.call.findIndex(({ type }) => type === "name");
  const piece = (tool: DeclaredTool | undefined, own: CallPiece, index: number): Expression => {
    switch (own.type) {
      case "text":
        return markup(index === 0 ? own.text.slice(written) : own.text);
      case "name":
        return text(tool?.name ?? "");
      case "id":
        return repeat({ type: "characters", ranges: idCharacters }, 1, 32);
      case "arguments":
        return argumentsExpression(argumentsProgram(tool), own.style, rules, unheldOf(tool));
    }
  };
  const before = calls.call.slice(0, at).map((own, index) => piece(undefined, own, index));
  const options = tools.map((tool) =>
    sequence(...calls.call.slice(at).map((own, index) => piece(tool, own, at + index))),
  );
  return sequence(...before, choice(...options));
}

const idCharacters = [
  [0x2d, 0x2d],
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
] as const;

/** Refuses what can't be held of a schema that is a promise. */
function unheldOf(tool: DeclaredTool | undefined): Unheld {
  const isPromise = tool?.strict === true;
  return {
    isPromise,
    report: (what) => {
      if (!isPromise) return;
      throw new UnsupportedKeywordError(
        tool.path,
        "",
        `${what} can't be held in the form in which this model writes calls; leave strict out`,
      );
    },
  };
}

function argumentsProgram(tool: DeclaredTool | undefined): JsonProgram {
  if (tool?.parameters === undefined) return objectProgram();
  const { parameters, strict, path } = tool;
  const { type = "object" } = parameters;
  if (type !== "object") {
    throw new InvalidRequestError(`${path}.type must be object: arguments have names.`, {
      param: `${path}.type`,
    });
  }
  return schemaProgram({ ...parameters, type }, { path, isLenient: !strict });
}
