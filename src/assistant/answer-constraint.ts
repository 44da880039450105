import { InvalidRequestError } from "../errors.ts";
import type { Automaton } from "../inference/constraints/automaton.ts";
import { type Expression, type Form, json, sequence } from "../inference/constraints/expression.ts";
import { Network, NetworkError } from "../inference/constraints/network.ts";
import {
  type DeclaredTool,
  optionalCalls,
  requiredCalls,
  spokenAnswer,
  thoughts,
} from "./formats/call-expressions.ts";
import type { AnswerFormat } from "./formats/format.ts";
import { RuleBook } from "./formats/rule-book.ts";
import { readGbnf } from "./structured/gbnf.ts";
import { textsAutomaton, wholeTextAutomaton } from "./structured/language.ts";
import { assertBounded } from "./structured/limits.ts";
import { RegexError } from "./structured/regex-syntax.ts";
import { objectProgram, schemaProgram } from "./structured/schema-program.ts";
import type { AnswerForm } from "./turn.ts";

/** Everything that determines the form of an answer. Plain data: another thread works the form out. */
export interface AnswerRules {
  readonly form: AnswerForm;
  /** Functions that may be called; none for an answer without calls. */
  readonly tools: readonly DeclaredTool[];
  readonly format: AnswerFormat;
  /** The prompt ends within a thought. */
  readonly isThinking: boolean;
  /** The prompt ends within a text. */
  readonly isSpeaking: boolean;
  /** Characters of a call's opening that the prompt ends in. */
  readonly begunOpening: number;
  /** The answer is calls and nothing else. */
  readonly mustCall: boolean;
  /** More than one call in an answer. */
  readonly parallel: boolean;
}

/**
 * What the answer is held to, undefined where it is free. It holds for what follows the thoughts.
 * @throws InvalidRequestError naming what can't be held
 */
export function answerConstraint(rules: AnswerRules): Form | undefined {
  const { form, tools, format, isThinking } = rules;
  if (form.type === "grammar") return grammarForm(form, tools);
  const book = new RuleBook();
  const answer = answerExpression(rules, book);
  if (answer === undefined) return undefined;
  return {
    rules: book.rules,
    start:
      format.thoughts === undefined
        ? answer
        : sequence(thoughts(format.thoughts, format.turn ?? "", isThinking), answer),
  };
}

function grammarForm({ grammar, path }: AnswerForm & { type: "grammar" }, tools: readonly unknown[]): Form {
  if (tools.length > 0) throw new InvalidRequestError(`${path} can't be joined with tools.`, { param: path });
  const form = readGbnf(grammar, path);
  assertFollowed(form, path);
  return form;
}

/** Refuses here, off the engine's thread, what it would refuse. @throws InvalidRequestError */
function assertFollowed(form: Form, path: string): void {
  try {
    new Network(form, []);
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new InvalidRequestError(error.message, { param: path });
  }
}

function answerExpression(rules: AnswerRules, book: RuleBook): Expression | undefined {
  const { form, tools, format, isSpeaking, begunOpening, mustCall, parallel } = rules;
  const value = contentExpression(form);
  const answer = value && spokenAnswer(format, isSpeaking, value);
  if (tools.length === 0) return answer;
  const calls = { tools, format, isSpeaking, begunOpening, parallel, rules: book };
  return mustCall ? requiredCalls(calls) : optionalCalls(calls, answer);
}

function contentExpression(form: AnswerForm): Expression | undefined {
  switch (form.type) {
    case "json":
      return json(objectProgram());
    case "schema":
      return json(schemaProgram(form.schema, { path: form.path }));
    case "choice":
      return automatonExpression(() => textsAutomaton(form.texts), form.path);
    case "pattern":
      return automatonExpression(() => wholeTextAutomaton(form.pattern), form.path);
    default:
      return undefined;
  }
}

function automatonExpression(make: () => Automaton | undefined, path: string): Expression {
  try {
    const automaton = make();
    if (automaton === undefined) throw new InvalidRequestError(`${path} matches no text.`, { param: path });
    const expression = { type: "automaton", automaton } as const;
    assertFollowed({ start: expression }, path);
    return expression;
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new InvalidRequestError(`${path} has ${error.message}, which can't be held.`, { param: path });
  }
}

/** True where there is something of the client's to translate, which may take a while. */
export function isLaborious({ form, tools }: AnswerRules): boolean {
  return tools.length > 0 || (form.type !== "text" && form.type !== "json");
}

/** Refuses schemas too large or too deep for anything that walks them. @throws InvalidRequestError */
export function assertSchemasBounded({ form, tools }: Pick<AnswerRules, "form" | "tools">): void {
  if (form.type === "schema") assertBounded(form.schema, form.path);
  for (const { parameters, path } of tools) if (parameters !== undefined) assertBounded(parameters, path);
}
