import { Grammar } from "./gbnf.ts";
import { asSchema, assertBounded } from "./schema.ts";
import { Translator } from "./translate.ts";

export interface TranslateOptions {
  /** How errors name the schema: `response_format.json_schema.schema`. */
  readonly path: string;
  /** Ignore keywords that no grammar can honour, for schemas that are advice and not a promise. */
  readonly lenient?: boolean;
}

/**
 * Adds rules for the JSON texts that `schema` describes; returns the expression for them.
 * @throws InvalidRequestError naming an unsupported keyword and its path, or a limit
 */
export function translate(grammar: Grammar, schema: unknown, options: TranslateOptions): string {
  const { path, lenient = false } = options;
  assertBounded(schema, path);
  const root = asSchema(schema, path);
  return new Translator(grammar, root, lenient).visit(root, path);
}

/** GBNF for the JSON texts that `schema` describes. @throws InvalidRequestError as `translate` does */
export function schemaGrammar(schema: unknown, options: TranslateOptions): string {
  const grammar = new Grammar();
  return grammar.text(translate(grammar, schema, options));
}
