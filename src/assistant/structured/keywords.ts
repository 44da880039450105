import { InvalidRequestError } from "../../errors.ts";
import { annotations, isObject, type SchemaObject, unsupported } from "./schema.ts";

const types = ["string", "number", "integer", "boolean", "null", "object", "array"];

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown) => typeof value === "string";
const isSchema = (value: unknown) => typeof value === "boolean" || isObject(value);
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

interface Keyword {
  readonly form: string;
  readonly accepts: (value: unknown) => boolean;
}

const count = { form: "a whole number of at least 0", accepts: isCount };
const bound = { form: "a number", accepts: isNumber };
const schema = { form: "a schema", accepts: isSchema };
const schemas = {
  form: "a list of schemas",
  accepts: (value: unknown) => isList(value) && value.every(isSchema),
};

/** What each keyword that is understood must hold. */
const known: Readonly<Record<string, Keyword>> = {
  type: {
    form: `one of ${types.join(", ")}, or a list of them`,
    accepts: (value) => (isList(value) ? value : [value]).every((item) => types.includes(item as string)),
  },
  enum: { form: "a list of at least one value", accepts: isList },
  const: { form: "a value", accepts: () => true },
  anyOf: schemas,
  oneOf: schemas,
  allOf: schemas,
  $ref: { form: "a reference", accepts: isText },
  properties: {
    form: "an object of schemas",
    accepts: (value) => isObject(value) && Object.values(value).every(isSchema),
  },
  required: {
    form: "a list of property names",
    accepts: (value) => Array.isArray(value) && value.every(isText),
  },
  additionalProperties: schema,
  minProperties: count,
  maxProperties: count,
  items: schema,
  prefixItems: schemas,
  minItems: count,
  maxItems: count,
  uniqueItems: { form: "a boolean", accepts: (value) => typeof value === "boolean" },
  minLength: count,
  maxLength: count,
  pattern: { form: "a regular expression", accepts: isText },
  format: { form: "a format's name", accepts: isText },
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: { form: "a number above 0", accepts: (value) => isNumber(value) && (value as number) > 0 },
};

/**
 * Checks a schema's own keywords, not those of its sub-schemas.
 * @throws InvalidRequestError naming a keyword that is malformed, or not supported
 */
export function checkKeywords(given: SchemaObject, path: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (annotations.has(name) || name.startsWith("x-")) continue;
    const keyword = Object.hasOwn(known, name) ? known[name] : undefined;
    if (keyword === undefined) throw unsupported(path, name);
    if (!keyword.accepts(value)) {
      const param = `${path}.${name}`;
      throw new InvalidRequestError(`${param} must be ${keyword.form}.`, { param });
    }
    if (name === "uniqueItems" && value === true)
      throw unsupported(path, name, "a grammar can't compare items with one another");
    if (name === "multipleOf" && value !== 1) throw unsupported(path, name);
  }
}

/** Leaves out what `checkKeywords` would refuse, for callers whose schema is advice and not a promise. */
export function understoodKeywords(given: SchemaObject, path: string): SchemaObject {
  const entries = Object.entries(given).filter(([name, value]) => {
    try {
      checkKeywords({ [name]: value }, path);
      return true;
    } catch (error) {
      if (error instanceof InvalidRequestError) return false;
      throw error;
    }
  });
  return Object.fromEntries(entries);
}
