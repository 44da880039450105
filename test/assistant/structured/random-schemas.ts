import fc from "fast-check";

/** Ajv takes `__proto__` and `constructor` for something else than names. */
const names = ["a", "ab", "b", "é", 'q"'];
const name = fc.constantFrom(...names);
const pattern = fc.constantFrom("^a", "b$", "^[ab]{1,3}$", "a.*b", "^(?!ab)", "^.{2,4}$", "\\d");
const count = fc.integer({ min: 0, max: 3 });
const bound = fc.constantFrom(-12, -1.5, -1, 0, 0.5, 1, 2, 7, 10, 99.5, 100);

/** Values that random schemas tell apart. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthIdentifier: "value" },
    fc.constantFrom<unknown>(null, true, false, -2, -1.5, 0, 0.5, 1, 2, 3, 7, 10, 11, 100, 99.5, 1e21),
    fc.constantFrom("", "a", "b", "ab", "aab", "abb", "abba", "é", "1", "2024-02-29", "\u0001", "𝔸b"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

const optional = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>;
const typed = (type: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.tuple(optional(fields), fc.boolean()).map(([own, isTyped]) => ({ ...(isTyped && { type }), ...own }));

/** Schemas of all keywords, some levels deep. */
export const anySchema: fc.Arbitrary<unknown> = fc.letrec<{ schema: unknown }>((tie) => {
  const schema = tie("schema");
  const schemas = fc.dictionary(name, schema, { maxKeys: 3 });
  const list = fc.array(schema, { minLength: 1, maxLength: 3 });
  return {
    schema: fc.oneof(
      { maxDepth: 2, depthIdentifier: "schema" },
      fc.constantFrom<unknown>(
        true,
        {},
        { type: "boolean" },
        { type: ["string", "null"] },
        { type: "integer" },
      ),
      fc
        .uniqueArray(anyValue, { minLength: 1, maxLength: 3, selector: (value) => JSON.stringify(value) })
        .map((values) => ({ enum: values })),
      anyValue.map((value) => ({ const: value })),
      typed("string", {
        minLength: count,
        maxLength: count.map((least) => least + 1),
        pattern,
        format: fc.constantFrom("date", "uuid", "unheard-of"),
      }),
      typed("number", {
        minimum: bound,
        maximum: bound,
        exclusiveMinimum: bound,
        exclusiveMaximum: bound,
        multipleOf: fc.constantFrom(1, 2, 3, 0.5, 10),
      }),
      typed("array", {
        items: schema,
        prefixItems: list,
        contains: schema,
        minContains: count,
        minItems: count,
        maxItems: count.map((least) => least + 1),
        uniqueItems: fc.boolean(),
      }),
      typed("object", {
        properties: schemas,
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: schema,
        patternProperties: fc.dictionary(pattern, schema, { maxKeys: 2 }),
        propertyNames: typed("string", { pattern, maxLength: count }),
        minProperties: count,
        maxProperties: count.map((least) => least + 1),
        dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 2 }),
        dependentSchemas: fc.dictionary(name, schema, { maxKeys: 1 }),
      }),
      optional({ allOf: list, anyOf: list, oneOf: list, not: schema }),
      optional(Object.fromEntries(["if", "then", "else"].map((keyword) => [keyword, schema]))),
    ),
  };
}).schema;
