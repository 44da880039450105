import assert from "node:assert/strict";
import { test } from "node:test";
import { assertTractable } from "../../../src/assistant/structured/gbnf-ambiguity.ts";
import { schemaGrammar } from "../../../src/assistant/structured/schema-grammar.ts";
import { InvalidRequestError } from "../../../src/errors.ts";

function refusal(schema: unknown): InvalidRequestError {
  try {
    schemaGrammar(schema, { path: "schema" });
  } catch (error) {
    assert.ok(error instanceof InvalidRequestError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `taken: ${JSON.stringify(schema).slice(0, 200)}` });
}

const inProperty = (schema: unknown) => ({ type: "object", properties: { a: schema } });

const keywords: Readonly<Record<string, unknown>> = {
  not: { type: "string" },
  if: { type: "string" },
  else: {},
  contains: {},
  minContains: 1,
  maxContains: 1,
  patternProperties: { "^a": {} },
  propertyNames: { maxLength: 3 },
  dependentRequired: { a: ["b"] },
  dependentSchemas: { a: {} },
  unevaluatedProperties: false,
  unevaluatedItems: false,
  uniqueItems: true,
  multipleOf: 3,
  $dynamicRef: "#a",
  $anchor: "a",
  contentEncoding: "base64",
  madeUp: 1,
};

for (const [keyword, value] of Object.entries(keywords)) {
  test(`${keyword} is refused by name and path`, () => {
    const { message, param, code } = refusal(inProperty({ [keyword]: value }));
    assert.equal(code, "invalid_request");
    assert.equal(param, `schema.properties.a.${keyword}`);
    assert.match(message, /is not supported/);
  });
}

const malformed: ReadonlyArray<readonly [name: string, schema: unknown, param: string]> = [
  ["a schema that is no schema", 3, "schema"],
  ["an unknown type", { type: "text" }, "schema.type"],
  ["a negative length", { minLength: -1 }, "schema.minLength"],
  ["a fraction of a length", { maxLength: 1.5 }, "schema.maxLength"],
  ["properties that are a list", { properties: [] }, "schema.properties"],
  ["a property that is no schema", { properties: { a: 1 } }, "schema.properties"],
  ["required that is no list", { required: "a" }, "schema.required"],
  ["an empty enum", { enum: [] }, "schema.enum"],
  ["an empty anyOf", { anyOf: [] }, "schema.anyOf"],
  ["items of draft 7", { items: [{}] }, "schema.items"],
  ["a bound that is text", { minimum: "1" }, "schema.minimum"],
  ["an unknown format", { type: "string", format: "colour" }, "schema.format"],
  ["a remote reference", { $ref: "https://example.com/s.json" }, "schema.$ref"],
  ["a reference to nothing", { $ref: "#/$defs/none" }, "schema.$ref"],
  ["a reference into a prototype", { $ref: "#/constructor" }, "schema.$ref"],
  ["overlapping oneOf", { oneOf: [{ type: "integer" }, { type: "number" }] }, "schema.oneOf"],
  ["a pattern with lookahead", { pattern: "^(?=a)b$" }, "schema.pattern"],
  ["a pattern with a backreference", { pattern: "^(a)\\1$" }, "schema.pattern"],
  ["a pattern with a word boundary", { pattern: "\\ba" }, "schema.pattern"],
  ["a pattern with an open group", { pattern: "(a" }, "schema.pattern"],
  ["a pattern with a bad range", { pattern: "[z-a]" }, "schema.pattern"],
  ["a pattern beside a length it can break", { pattern: "^a*$", maxLength: 3 }, "schema.maxLength"],
  ["a pattern with half a surrogate pair", { pattern: "^\\ud83d$" }, "schema.pattern"],
  ["a pattern beside a format that it cuts", { pattern: "^a$", format: "date" }, "schema.pattern"],
  [
    "a pattern beside a format that it cuts a little",
    { pattern: "^[^7]*$", format: "uuid" },
    "schema.pattern",
  ],
  ["whole numbers beyond fifteen digits", { type: "integer", minimum: 5e15 }, "schema.minimum"],
  [
    "an id within, which references would go by",
    { properties: { a: { $id: "https://example.com/a", $ref: "#/$defs/b" } }, $defs: { b: {} } },
    "schema.properties.a.$id",
  ],
  [
    "hundreds of optional properties in a row",
    {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`p${index}`, {}])),
    },
    "schema.properties",
  ],
  ["bounds of numbers that are not whole", { type: "number", minimum: 0.5 }, "schema.minimum"],
  [
    "more properties than may be declared",
    { properties: { a: {} }, minProperties: 1 },
    "schema.minProperties",
  ],
];
for (const [name, schema, param] of malformed) {
  test(`refused: ${name}`, () => assert.equal(refusal(schema).param, param));
}

const impossible: readonly unknown[] = [
  false,
  { type: "integer", minimum: 3, maximum: 2 },
  { type: "string", minLength: 3, maxLength: 2 },
  { type: "array", minItems: 3, maxItems: 2 },
  { type: "array", items: false, minItems: 1 },
  { allOf: [{ type: "string" }, { type: "integer" }] },
  { type: "string", enum: [1, 2] },
  { type: "object", properties: { a: false }, required: ["a"] },
  { type: "object", required: ["a"], additionalProperties: false },
  { $ref: "#" },
  { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
  { anyOf: [false, { type: "integer", minimum: 2, maximum: 1 }] },
];
for (const schema of impossible) {
  test(`refused: nothing can be valid by ${JSON.stringify(schema).slice(0, 80)}`, () => {
    assert.match(refusal(schema).message, /can't be satisfied/);
  });
}

const beyondGrammars: readonly unknown[] = [
  { type: "string", not: { const: "x" }, maxLength: 3 },
  { type: "string", format: "colour" },
  { type: "string", pattern: "^(?=a)b" },
  { type: "number", minimum: 0.5 },
  { oneOf: [{ type: "integer" }, { type: "number" }] },
  { allOf: [{ type: "object" }, { minProperties: 2 }] },
  { $ref: "https://example.com/s.json" },
  { type: "array", items: { type: "string", format: "colour" }, uniqueItems: true },
  {
    anyOf: [
      { type: "array", items: { $ref: "#" } },
      { type: "array", items: { $ref: "#" }, maxItems: 5 },
    ],
  },
];
for (const schema of beyondGrammars) {
  test(`a lenient translation leaves out what it can't honour: ${JSON.stringify(schema).slice(0, 60)}`, () => {
    assert.throws(() => schemaGrammar(inProperty(schema), { path: "schema" }), InvalidRequestError);
    assertTractable(schemaGrammar(inProperty(schema), { path: "schema", lenient: true }));
  });
}

test("a lenient translation keeps what it can honour", () => {
  const schema = inProperty({ enum: ["red", "blue"], not: {} });
  assert.match(schemaGrammar(schema, { path: "schema", lenient: true }), /lue/);
});
