import type { SchemaObject } from "./schema.ts";

/** `integer` is a `number`; every other pair of types has nothing in common. */
export function commonTypes(a: readonly string[], b: readonly string[]): string[] {
  const narrower = (one: readonly string[], other: readonly string[]) =>
    one.filter((type) => other.includes(type) || (type === "integer" && other.includes("number")));
  return [...new Set([...narrower(a, b), ...narrower(b, a)])].filter(
    (type, _, all) =>
      type !== "number" || !all.includes("integer") || (a.includes("number") && b.includes("number")),
  );
}

export function typesOf(schema: SchemaObject): readonly string[] | undefined {
  const { type } = schema;
  return type === undefined ? undefined : typeof type === "string" ? [type] : (type as readonly string[]);
}

export function jsonType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

const typeOfKeyword: ReadonlyArray<readonly [type: string, keywords: readonly string[]]> = [
  ["object", ["properties", "required", "additionalProperties", "minProperties", "maxProperties"]],
  ["array", ["items", "prefixItems", "minItems", "maxItems"]],
  ["string", ["minLength", "maxLength", "pattern", "format"]],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
];

/** The type that a schema without one speaks of. Undefined when it speaks of none: anything is valid. */
export function inferTypes(schema: SchemaObject): readonly string[] | undefined {
  const found = typeOfKeyword.find(([, keywords]) =>
    keywords.some((keyword) => schema[keyword] !== undefined),
  );
  return found === undefined ? undefined : [found[0]];
}
