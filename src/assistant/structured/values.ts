import type { Grammar } from "./gbnf.ts";
import { annotations, type SchemaObject, unsatisfiable, unsupported } from "./schema.ts";
import { oneOf } from "./trie.ts";
import { jsonType, typesOf } from "./types.ts";

/** Whether a value is valid by one keyword that may stand beside `enum`; values of other types always are. */
const checks: Readonly<Record<string, (value: unknown, bound: number) => boolean>> = {
  minimum: (value, bound) => typeof value !== "number" || value >= bound,
  maximum: (value, bound) => typeof value !== "number" || value <= bound,
  exclusiveMinimum: (value, bound) => typeof value !== "number" || value > bound,
  exclusiveMaximum: (value, bound) => typeof value !== "number" || value < bound,
  minLength: (value, bound) => typeof value !== "string" || [...value].length >= bound,
  maxLength: (value, bound) => typeof value !== "string" || [...value].length <= bound,
};

/** The values of `enum` or `const` that are valid by the keywords beside it, as JSON texts. */
export function listedValues(grammar: Grammar, schema: SchemaObject, path: string): string {
  const { const: only, enum: listed, ...rest } = schema;
  const key = JSON.stringify(only);
  const isListed = !Array.isArray(listed) || listed.some((value) => JSON.stringify(value) === key);
  const values = "const" in schema ? (isListed ? [only] : []) : (listed as readonly unknown[]);
  const types = typesOf(rest);
  for (const keyword of Object.keys(rest)) {
    if (keyword !== "type" && !annotations.has(keyword) && !Object.hasOwn(checks, keyword))
      throw unsupported(path, keyword, "it can't be joined with enum or const");
  }
  const texts = values
    .filter((value) => types === undefined || hasType(value, types))
    .filter((value) =>
      Object.entries(rest).every(([name, bound]) => checks[name]?.(value, bound as number) ?? true),
    )
    .map((value) => JSON.stringify(value));
  if (texts.length === 0)
    throw unsatisfiable(path, "none of its values is valid by the keywords beside them");
  return grammar.rule(oneOf(grammar, [...new Set(texts)]));
}

function hasType(value: unknown, types: readonly string[]): boolean {
  return types.includes(jsonType(value)) || (typeof value === "number" && types.includes("number"));
}
