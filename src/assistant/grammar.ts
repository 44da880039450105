import { InvalidRequestError } from "../errors.ts";
import {
  type CallRules,
  type DeclaredTool,
  optionalCallGrammar,
  requiredCallGrammar,
} from "./formats/call-grammar.ts";
import type { ToolCallFormat } from "./formats/tool-calls.ts";
import { assertTractable } from "./structured/gbnf-ambiguity.ts";
import { object } from "./structured/json-text.ts";
import { assertBounded } from "./structured/schema.ts";
import { jsonObjectGrammar, schemaGrammar, translate } from "./structured/schema-grammar.ts";
import type { AnswerForm } from "./turn.ts";

/** All that the grammar of an answer follows from; plain data, so that another thread can work it out. */
export interface AnswerRules {
  readonly form: AnswerForm;
  /** Functions that may be called; none for an answer without calls. */
  readonly tools: readonly DeclaredTool[];
  readonly format: ToolCallFormat;
  /** The answer is calls and nothing else. */
  readonly mustCall: boolean;
  /** More than one call in an answer. */
  readonly parallel: boolean;
}

/** GBNF for the answer, undefined where it is free. @throws InvalidRequestError naming what no grammar can hold */
export function answerGrammar(rules: AnswerRules): string | undefined {
  const { form, tools } = rules;
  if (tools.length > 0) return callGrammar(rules, form);
  switch (form.type) {
    case "text":
      return undefined;
    case "json":
      return jsonObjectGrammar();
    case "schema":
      return schemaGrammar(form.schema, { path: form.path });
    case "grammar":
      assertTractable(form.grammar);
      return form.grammar;
  }
}

function callGrammar(rules: CallRules & Pick<AnswerRules, "mustCall">, form: AnswerForm): string {
  if (form.type === "grammar") {
    throw new InvalidRequestError("grammar can't be joined with tools.", { param: "grammar" });
  }
  if (rules.mustCall) return requiredCallGrammar(rules);
  switch (form.type) {
    case "text":
      return optionalCallGrammar(rules, undefined);
    case "json":
      return optionalCallGrammar(rules, object);
    case "schema":
      return optionalCallGrammar(rules, (grammar) => translate(grammar, form.schema, { path: form.path }));
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
