import { InvalidRequestError } from "../../errors.ts";

/** A JSON Schema (draft 2020-12) as it came in a request: nothing in it is trusted yet. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };
export type SchemaObject = { readonly [keyword: string]: unknown };

/** Bytes of JSON, nested levels, values in all enums, and sub-schemas visited: past them a schema is refused. */
export const SCHEMA_LIMITS = { bytes: 256 * 1024, depth: 64, enumValues: 2000, visits: 20_000 } as const;

/** Keywords that say nothing about which values are valid. */
export const annotations: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

/** No value is valid: an error by itself, but a branch of `anyOf` or an optional property may be left out for it. */
export class UnsatisfiableError extends InvalidRequestError {}

export function unsatisfiable(path: string, why: string): UnsatisfiableError {
  return new UnsatisfiableError(`${path} can't be satisfied: ${why}.`, { param: path });
}

/** A keyword that no grammar can hold: an error where a schema is a promise, and left out where it is advice. */
export class UnsupportedError extends InvalidRequestError {
  readonly schemaPath: string;
  readonly keyword: string;

  constructor(schemaPath: string, keyword: string, hint: string) {
    const param = `${schemaPath}.${keyword}`;
    super(`${param} is not supported${hint === "" ? "" : `: ${hint}`}.`, { param });
    this.schemaPath = schemaPath;
    this.keyword = keyword;
  }
}

export function unsupported(path: string, keyword: string, hint = ""): UnsupportedError {
  return new UnsupportedError(path, keyword, hint);
}

export function isObject(value: unknown): value is SchemaObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @throws InvalidRequestError when `value` is no schema at all */
export function asSchema(value: unknown, path: string): JsonSchema {
  if (typeof value === "boolean" || isObject(value)) return value;
  throw new InvalidRequestError(`${path} must be a JSON Schema: an object or a boolean.`, { param: path });
}

/**
 * Refuses what is too large before anything walks it recursively.
 * @throws InvalidRequestError naming the limit
 */
export function assertBounded(schema: unknown, path: string): void {
  let bytes = 0;
  let enumValues = 0;
  const stack: Array<{ readonly value: unknown; readonly depth: number }> = [{ value: schema, depth: 1 }];
  const refuse = (why: string) => new InvalidRequestError(`${path} ${why}.`, { param: path });
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, depth } = entry;
    if (depth > 2 * SCHEMA_LIMITS.depth) throw refuse(`is nested deeper than ${SCHEMA_LIMITS.depth} schemas`);
    bytes += typeof value === "string" ? value.length + 2 : 4;
    if (bytes > SCHEMA_LIMITS.bytes) throw refuse(`is larger than ${SCHEMA_LIMITS.bytes} bytes`);
    if (value === null || typeof value !== "object") continue;
    for (const [key, item] of Object.entries(value)) {
      if (!Array.isArray(value)) bytes += key.length + 3;
      if (key === "enum" && Array.isArray(item)) enumValues += item.length;
      stack.push({ value: item, depth: depth + 1 });
    }
    if (enumValues > SCHEMA_LIMITS.enumValues)
      throw refuse(`has more than ${SCHEMA_LIMITS.enumValues} enum values`);
  }
}
