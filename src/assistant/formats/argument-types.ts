import type { JsonType } from "./format.ts";

const ALL: ReadonlySet<JsonType> = new Set(["string", "number", "boolean", "null", "array", "object"]);
const MAX_DEPTH = 16;

/** The JSON types that a value may have, by its place in a schema. */
export interface ValueTypes {
  readonly types: ReadonlySet<JsonType>;
  property(key: string): ValueTypes;
  /** Of an array's item. */
  item(): ValueTypes;
}

type Schema = Readonly<Record<string, unknown>>;

/** Of a tool's arguments; anything where it declares none. */
export function argumentTypes(parameters: Schema | undefined): ValueTypes {
  const root = parameters ?? {};
  const at = (schema: unknown): ValueTypes => ({
    get types() {
      return typesOf(schema, root, 0);
    },
    property: (key) => at(within(schema, root, "properties", key)),
    item: () => at(within(schema, root, "items")),
  });
  return at(root);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typesOf(schema: unknown, root: Schema, depth: number): ReadonlySet<JsonType> {
  if (!isSchema(schema) || depth > MAX_DEPTH) return ALL;
  let types = declared(schema);
  const narrow = (others: ReadonlySet<JsonType>) => {
    types = new Set([...types].filter((type) => others.has(type)));
  };
  const target = referred(schema, root);
  if (target !== undefined) narrow(typesOf(target, root, depth + 1));
  for (const part of list(schema["allOf"])) narrow(typesOf(part, root, depth + 1));
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = list(schema[keyword]);
    if (branches.length > 0)
      narrow(new Set(branches.flatMap((branch) => [...typesOf(branch, root, depth + 1)])));
  }
  return types;
}

function declared(schema: Schema): ReadonlySet<JsonType> {
  if ("const" in schema) return new Set([typeOf(schema["const"])]);
  const values = list(schema["enum"]);
  if (values.length > 0) return new Set(values.map(typeOf));
  const { type } = schema;
  const names = typeof type === "string" ? [type] : list(type);
  if (names.length === 0) return ALL;
  return new Set(
    [...ALL].filter((known) => names.includes(known) || (known === "number" && names.includes("integer"))),
  );
}

export function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A reference within the schema; others say nothing of types. */
function referred(schema: Schema, root: Schema): unknown {
  const reference = schema["$ref"];
  if (typeof reference !== "string" || !reference.startsWith("#")) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined;
  }
  return found;
}

/** What a schema says of a property or an item, in itself or in its parts; undefined where it says nothing. */
function within(schema: unknown, root: Schema, keyword: string, key?: string, depth = 0): unknown {
  if (!isSchema(schema) || depth > MAX_DEPTH) return undefined;
  const own = schema[keyword];
  const found = key === undefined ? own : isSchema(own) && Object.hasOwn(own, key) ? own[key] : undefined;
  if (found !== undefined) return found;
  const parts = ["allOf", "anyOf", "oneOf"].flatMap((name) => list(schema[name]));
  for (const part of [referred(schema, root), ...parts]) {
    const inner = within(part, root, keyword, key, depth + 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}
