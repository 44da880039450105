import { InvalidRequestError } from "../errors.ts";
import { type DeclaredTool, optionalCalls, requiredCalls, thoughtsRule } from "./formats/call-grammar.ts";
import type { AnswerFormat } from "./formats/format.ts";
import { Grammar, sequence } from "./structured/gbnf.ts";
import { assertTractable } from "./structured/gbnf-ambiguity.ts";
import { object } from "./structured/json-text.ts";
import { assertBounded } from "./structured/schema.ts";
import { translate } from "./structured/schema-grammar.ts";
import type { AnswerForm } from "./turn.ts";

/** All that the grammar of an answer follows from; plain data, so that another thread can work it out. */
export interface AnswerRules {
  readonly form: AnswerForm;
  /** Functions that may be called; none for an answer without calls. */
  readonly tools: readonly DeclaredTool[];
  readonly format: AnswerFormat;
  /** The prompt ends within a thought. */
  readonly isThinking: boolean;
  /** The answer is calls and nothing else. */
  readonly mustCall: boolean;
  /** More than one call in an answer. */
  readonly parallel: boolean;
}

/**
 * GBNF for the answer, undefined where it is free. It holds for what follows the thoughts.
 * @throws InvalidRequestError naming what no grammar can hold
 */
export function answerGrammar(rules: AnswerRules): string | undefined {
  const { form, tools, format, isThinking } = rules;
  if (form.type === "grammar") {
    if (tools.length > 0)
      throw new InvalidRequestError("grammar can't be joined with tools.", { param: "grammar" });
    assertTractable(form.grammar);
    return form.grammar;
  }
  const answer = answerRule(rules);
  if (answer === undefined) return undefined;
  const grammar = new Grammar();
  const thoughts = format.thoughts === undefined ? "" : thoughtsRule(grammar, format.thoughts, isThinking);
  return grammar.text(sequence(thoughts, answer(grammar)));
}

function answerRule({ form, tools, format: { calls }, mustCall, parallel }: AnswerRules) {
  const json = jsonRule(form);
  if (tools.length === 0) return json;
  const rules = { tools, calls, parallel };
  return (grammar: Grammar) =>
    mustCall ? requiredCalls(grammar, rules) : optionalCalls(grammar, rules, json);
}

function jsonRule(form: AnswerForm): ((grammar: Grammar) => string) | undefined {
  switch (form.type) {
    case "json":
      return object;
    case "schema":
      return (grammar) => translate(grammar, form.schema, { path: form.path });
    default:
      return undefined;
  }
}

/** True where there is a schema to translate or a grammar to check, which may take a while. */
export function isLaborious({ form, tools }: AnswerRules): boolean {
  return tools.length > 0 || form.type === "schema" || form.type === "grammar";
}

/** Refuses schemas too large or too deep for anything that walks them. @throws InvalidRequestError */
export function assertSchemasBounded({ form, tools }: Pick<AnswerRules, "form" | "tools">): void {
  if (form.type === "schema") assertBounded(form.schema, form.path);
  for (const { parameters, path } of tools) if (parameters !== undefined) assertBounded(parameters, path);
}
