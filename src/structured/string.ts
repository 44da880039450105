import { alternatives, type Grammar, literal, sequence } from "./gbnf.ts";
import { string } from "./json-text.ts";
import { patternRule } from "./pattern.ts";
import { type SchemaObject, unsatisfiable, unsupported } from "./schema.ts";

/** Characters that a string may be required to have. */
const MAX_MIN_LENGTH = 10_000;

interface Format {
  readonly body: string;
  readonly minLength: number;
  readonly maxLength: number;
}

const date = `[0-9]{4} "-" (${alternatives([
  '"02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])',
  '("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ("0" [1-9] | [12] [0-9] | "3" [01])',
  '("04" | "06" | "09" | "11") "-" ("0" [1-9] | [12] [0-9] | "30")',
])})`;
const time =
  '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+-] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])';
const octet = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9]? [0-9])';
const hex = "[0-9a-f]";

/** Formats of RFC 3339, RFC 4122 and their kin, each a little narrower than its standard (no 29 February, no leap second). */
const formats: Readonly<Record<string, Format>> = {
  date: { body: date, minLength: 10, maxLength: 10 },
  time: { body: time, minLength: 9, maxLength: 21 },
  "date-time": { body: `${date} "T" ${time}`, minLength: 20, maxLength: 32 },
  uuid: {
    body: `${hex}{8} "-" ${hex}{4} "-" ${hex}{4} "-" ${hex}{4} "-" ${hex}{12}`,
    minLength: 36,
    maxLength: 36,
  },
  ipv4: { body: [octet, octet, octet, octet].join(' "." '), minLength: 7, maxLength: 15 },
  email: {
    body: '[a-z0-9] ("." ? [a-z0-9_-]){0,30} "@" [a-z0-9] ("-"? [a-z0-9]){0,30} "." [a-z]{2,10}',
    minLength: 6,
    maxLength: 135,
  },
};

/** A string within `minLength`, `maxLength`, `pattern` and `format`, as a JSON text. */
export function stringRule(grammar: Grammar, schema: SchemaObject, path: string): string {
  const { pattern, format } = schema;
  const minLength = (schema["minLength"] as number | undefined) ?? 0;
  const maxLength = schema["maxLength"] as number | undefined;
  if (maxLength !== undefined && maxLength < minLength)
    throw unsatisfiable(path, "minLength is above maxLength");
  if (minLength > MAX_MIN_LENGTH) throw unsupported(path, "minLength", `${MAX_MIN_LENGTH} is the largest`);
  if (format !== undefined) {
    if (pattern !== undefined) throw unsupported(path, "pattern", "it can't be joined with a format");
    return quoted(grammar, formatRule(String(format), minLength, maxLength, path));
  }
  if (pattern === undefined) return string(grammar, minLength, maxLength);
  const rule = patternRule(grammar, pattern as string, path);
  if (rule.minLength < minLength)
    throw unsupported(path, "minLength", "the pattern matches shorter strings, and both can't be joined");
  if (maxLength !== undefined && (rule.maxLength ?? Number.POSITIVE_INFINITY) > maxLength)
    throw unsupported(path, "maxLength", "the pattern matches longer strings, and both can't be joined");
  return quoted(grammar, rule.text);
}

function formatRule(name: string, minLength: number, maxLength: number | undefined, path: string): string {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format === undefined)
    throw unsupported(path, "format", `${name} is unknown; known are ${Object.keys(formats).join(", ")}`);
  if (minLength > format.minLength || (maxLength ?? format.maxLength) < format.maxLength)
    throw unsupported(
      path,
      maxLength === undefined ? "minLength" : "maxLength",
      "it can't be joined with a format",
    );
  return format.body;
}

function quoted(grammar: Grammar, body: string): string {
  return grammar.rule(sequence(literal('"'), body, literal('"')));
}
