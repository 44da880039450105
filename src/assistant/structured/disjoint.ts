import { lookUp } from "./merge.ts";
import { isObject, type JsonSchema, type SchemaObject } from "./schema.ts";
import { commonTypes, jsonType, typesOf } from "./types.ts";

/** Properties of properties that are looked into for a tag. */
const MAX_DEPTH = 4;

/** Comparing all pairs of a longer list costs more than taking it for overlapping. */
const MAX_BRANCHES = 100;

interface DisjointOptions {
  readonly root: JsonSchema;
  /** Objects whose schema does not say so have no further properties: true of what is generated, not of what is valid. */
  readonly closed: boolean;
}

/** True when no value can be valid by two of the branches. */
export function areExclusive(branches: readonly JsonSchema[], root: JsonSchema): boolean {
  return everyPair(branches, { root, closed: false });
}

/** True when a text that is generated for one branch might be another's too. */
export function mayOverlap(branches: readonly JsonSchema[], root: JsonSchema): boolean {
  return !everyPair(branches, { root, closed: true });
}

function everyPair(branches: readonly JsonSchema[], options: DisjointOptions): boolean {
  return (
    branches.length <= MAX_BRANCHES &&
    branches.every((one, at) => branches.slice(at + 1).every((other) => areDisjoint(one, other, options)))
  );
}

/**
 * True when no value can be valid by both schemas, as far as their types, their constants, or a property that both
 * require tell. False means: not known to be.
 */
function areDisjoint(a: JsonSchema, b: JsonSchema, options: DisjointOptions, depth = 0): boolean {
  if (a === false || b === false) return true;
  const [one, other] = [follow(a, options.root), follow(b, options.root)];
  if (one === undefined || other === undefined || depth > MAX_DEPTH) return false;
  const [valuesA, valuesB] = [values(one), values(other)];
  if (valuesA !== undefined && valuesB !== undefined)
    return !valuesA.some((value) => valuesB.includes(value));
  const [typesA, typesB] = [kinds(one, valuesA), kinds(other, valuesB)];
  if (typesA === undefined || typesB === undefined) return false;
  const common = commonTypes(typesA, typesB);
  if (common.length === 0) return true;
  if (common.length > 1 || common[0] !== "object") return false;
  return objectsAreDisjoint(one, other, options, depth) || objectsAreDisjoint(other, one, options, depth);
}

function objectsAreDisjoint(
  a: SchemaObject,
  b: SchemaObject,
  options: DisjointOptions,
  depth: number,
): boolean {
  const required = Array.isArray(a["required"]) ? (a["required"] as string[]) : [];
  const requiredByB = Array.isArray(b["required"]) ? (b["required"] as string[]) : [];
  const [ownA, ownB] = [properties(a), properties(b)];
  const isClosed =
    b["additionalProperties"] === false || (options.closed && b["additionalProperties"] === undefined);
  return required.some((name) => {
    if (!Object.hasOwn(ownB, name) && !requiredByB.includes(name) && isClosed) return true;
    if (!Object.hasOwn(ownA, name) || !Object.hasOwn(ownB, name) || !requiredByB.includes(name)) return false;
    return areDisjoint(ownA[name] as JsonSchema, ownB[name] as JsonSchema, options, depth + 1);
  });
}

function follow(schema: JsonSchema, root: JsonSchema): SchemaObject | undefined {
  let current: unknown = schema;
  for (let hops = 0; isObject(current) && typeof current["$ref"] === "string"; hops++) {
    if (hops > 16) return undefined;
    current = lookUp(root, current["$ref"], "schema");
  }
  return isObject(current) ? current : undefined;
}

function properties(schema: SchemaObject): SchemaObject {
  return isObject(schema["properties"]) ? schema["properties"] : {};
}

/** The only values that are valid, as JSON. */
function values(schema: SchemaObject): readonly string[] | undefined {
  if ("const" in schema) return [JSON.stringify(schema["const"])];
  return Array.isArray(schema["enum"]) ? schema["enum"].map((value) => JSON.stringify(value)) : undefined;
}

function kinds(schema: SchemaObject, known: readonly string[] | undefined): readonly string[] | undefined {
  // Without a type nothing is known: `{"minLength": 1}` is valid for every number.
  if (known === undefined) return typesOf(schema);
  return known.map((text) => jsonType(JSON.parse(text)));
}
