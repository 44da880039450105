import { formatPatterns, isFormat } from "./formats.ts";
import { type Grammar, literal, sequence } from "./gbnf.ts";
import { isIncluded } from "./inclusion.ts";
import { string } from "./json-text.ts";
import { type PatternRule, patternRule } from "./pattern.ts";
import { PatternParser } from "./pattern-syntax.ts";
import { type SchemaObject, unsatisfiable, unsupported } from "./schema.ts";

/** Characters that a string may be required to have. */
const MAX_MIN_LENGTH = 10_000;

/** A string within `minLength`, `maxLength`, `pattern` and `format`, as a JSON text. */
export function stringRule(grammar: Grammar, schema: SchemaObject, path: string): string {
  const minLength = (schema["minLength"] as number | undefined) ?? 0;
  const maxLength = schema["maxLength"] as number | undefined;
  if (maxLength !== undefined && maxLength < minLength)
    throw unsatisfiable(path, "minLength is above maxLength");
  if (minLength > MAX_MIN_LENGTH) throw unsupported(path, "minLength", `${MAX_MIN_LENGTH} is the largest`);
  const source = sourceOf(schema, path);
  if (source === undefined) return string(grammar, minLength, maxLength);
  const rule = patternRule(grammar, source, path);
  assertLength(rule, minLength, maxLength, schema, path);
  return grammar.rule(sequence(literal('"'), rule.text, literal('"')));
}

/** The one regular expression that `pattern` and `format` come to. */
function sourceOf({ pattern, format }: SchemaObject, path: string): string | undefined {
  const own = pattern as string | undefined;
  if (format === undefined) return own;
  // zod writes names of its own beside the patterns that say what they mean: `{"format": "ulid", "pattern": …}`.
  if (own !== undefined && !isFormat(String(format))) return own;
  const known = formatPatterns(String(format), path);
  if (own === undefined) return known[0];
  const outer = new PatternParser(own, path).parse();
  const fitting = known.find((candidate) => isIncluded(new PatternParser(candidate, path).parse(), outer));
  return (
    fitting ??
    unsupportedPattern(path, "it leaves out texts of the format beside it, and both can't be joined")
  );
}

function unsupportedPattern(path: string, why: string): never {
  throw unsupported(path, "pattern", why);
}

function assertLength(
  rule: PatternRule,
  minLength: number,
  maxLength: number | undefined,
  { pattern }: SchemaObject,
  path: string,
): void {
  const what = pattern === undefined ? "format" : "pattern";
  if (rule.minLength < minLength)
    throw unsupported(path, "minLength", `the ${what} matches shorter strings, and both can't be joined`);
  if (maxLength !== undefined && (rule.maxLength ?? Number.POSITIVE_INFINITY) > maxLength)
    throw unsupported(path, "maxLength", `the ${what} matches longer strings, and both can't be joined`);
}
