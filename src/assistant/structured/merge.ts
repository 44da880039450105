import {
  asSchema,
  isObject,
  type JsonSchema,
  type SchemaObject,
  unsatisfiable,
  unsupported,
} from "./schema.ts";
import { commonTypes, typesOf } from "./types.ts";

const lower = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]);
const upper = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]);

/**
 * One schema that is valid where both are: what `allOf`, and keywords beside `$ref` and `anyOf`, mean. Sub-schemas
 * that both have are joined by an `allOf` of their own, to be merged when they are reached.
 */
export function merge(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
  const merged: Record<string, unknown> = { ...a };
  for (const [keyword, value] of Object.entries(b)) {
    const own = a[keyword];
    if (own === undefined || keyword === "properties" || keyword === "additionalProperties") {
      merged[keyword] = value;
    } else if (lower.has(keyword)) merged[keyword] = Math.max(own as number, value as number);
    else if (upper.has(keyword)) merged[keyword] = Math.min(own as number, value as number);
    else merged[keyword] = join(keyword, own, value, a, b, path);
  }
  const properties = mergeProperties(a, b);
  if (properties !== undefined) merged["properties"] = properties;
  if (a["additionalProperties"] !== undefined && b["additionalProperties"] !== undefined)
    merged["additionalProperties"] = both(a["additionalProperties"], b["additionalProperties"]);
  else if (a["additionalProperties"] !== undefined)
    merged["additionalProperties"] = a["additionalProperties"];
  return merged;
}

function join(
  keyword: string,
  own: unknown,
  value: unknown,
  a: SchemaObject,
  b: SchemaObject,
  path: string,
): unknown {
  switch (keyword) {
    case "type": {
      const types = commonTypes(typesOf(a) ?? [], typesOf(b) ?? []);
      if (types.length === 0) throw unsatisfiable(path, `it would have to be ${own} and ${value} at once`);
      return types;
    }
    case "required":
      return [...new Set([...(own as string[]), ...(value as string[])])];
    case "enum": {
      const wanted = new Set((value as unknown[]).map((item) => JSON.stringify(item)));
      return (own as unknown[]).filter((item) => wanted.has(JSON.stringify(item)));
    }
    case "items":
      return both(own, value);
    case "allOf":
      return [...(own as unknown[]), ...(value as unknown[])];
  }
  if (JSON.stringify(own) === JSON.stringify(value) || keyword === "title" || keyword === "description")
    return value;
  throw unsupported(path, keyword, "two of them can't be joined");
}

function both(a: unknown, b: unknown): unknown {
  if (a === true || JSON.stringify(a) === JSON.stringify(b)) return b;
  return b === true ? a : { allOf: [a, b] };
}

/** A property that one side leaves to its `additionalProperties` must satisfy that too. */
function mergeProperties(a: SchemaObject, b: SchemaObject): Record<string, unknown> | undefined {
  const [ownA, ownB] = [a["properties"], b["properties"]].map((own) => (isObject(own) ? own : undefined));
  if (ownA === undefined && ownB === undefined) return undefined;
  const side = (own: SchemaObject | undefined, schema: SchemaObject, name: string): JsonSchema =>
    own !== undefined && Object.hasOwn(own, name)
      ? (own[name] as JsonSchema)
      : ((schema["additionalProperties"] as JsonSchema | undefined) ?? true);
  const names = new Set([...Object.keys(ownA ?? {}), ...Object.keys(ownB ?? {})]);
  return Object.fromEntries([...names].map((name) => [name, both(side(ownA, a, name), side(ownB, b, name))]));
}

/** The schema that a local `$ref` names. @throws InvalidRequestError when it names none */
export function lookUp(root: JsonSchema, reference: unknown, path: string): JsonSchema {
  if (typeof reference !== "string" || !/^#(\/|$)/.test(reference))
    throw unsupported(path, "$ref", "only references within the schema (#/$defs/…) are");
  let found: unknown = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const key = decodeStep(step);
    found =
      found !== null && typeof found === "object" && Object.hasOwn(found, key)
        ? (found as SchemaObject)[key]
        : undefined;
    if (found === undefined) throw unsupported(path, "$ref", `there is nothing at ${reference}`);
  }
  return asSchema(found, `${path}.$ref`);
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}
