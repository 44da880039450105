import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { InvalidRequestError } from "../../../src/errors.ts";

function refusal(schema: unknown): InvalidRequestError {
  try {
    schemaProgram(schema, { path: "schema" });
  } catch (error) {
    assert.ok(error instanceof InvalidRequestError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `taken: ${JSON.stringify(schema).slice(0, 200)}` });
}

const malformed: ReadonlyArray<readonly [name: string, schema: unknown, param: string]> = [
  ["a schema that is not one", 3, "schema"],
  ["an unknown type", { type: "text" }, "schema.type"],
  ["a negative length", { minLength: -1 }, "schema.minLength"],
  ["a fraction of a length", { maxLength: 1.5 }, "schema.maxLength"],
  ["a length that nothing has", { minLength: 1e9 }, "schema.minLength"],
  ["properties that are a list", { properties: [] }, "schema.properties"],
  ["a property that is not a schema", { properties: { a: 1 } }, "schema.properties.a"],
  ["required that is not a list", { required: "a" }, "schema.required"],
  ["an empty anyOf", { anyOf: [] }, "schema.anyOf"],
  ["a bound that is text", { minimum: "1" }, "schema.minimum"],
  ["a remote reference", { $ref: "https://example.com/s.json" }, "schema.$ref"],
  ["a reference to nothing", { $ref: "#/$defs/none" }, "schema.$ref"],
  ["a reference into a prototype", { $ref: "#/constructor" }, "schema.$ref"],
  ["a dynamic reference", { $dynamicRef: "#a" }, "schema.$dynamicRef"],
  ["a pattern with a backreference", { pattern: "^(a)\\1$" }, "schema.pattern"],
  ["a pattern with lookbehind", { pattern: "(?<=a)b" }, "schema.pattern"],
  ["a pattern with an open group", { pattern: "(a" }, "schema.pattern"],
  ["a pattern with a bad range", { pattern: "[z-a]" }, "schema.pattern"],
  ["a pattern of too many states", { pattern: "^(a|b)*a(a|b){20}$" }, "schema.pattern"],
];
for (const [name, schema, param] of malformed) {
  test(`refused: ${name}`, () => assert.equal(refusal(schema).param, param));
}

const impossible: readonly unknown[] = [
  false,
  { type: "integer", minimum: 3, maximum: 2 },
  { type: "integer", minimum: 0.2, maximum: 0.8 },
  { type: "string", minLength: 3, maxLength: 2 },
  { type: "string", pattern: "^a+$", format: "date" },
  { type: "string", pattern: "^a{5}$", maxLength: 3 },
  { type: "array", minItems: 3, maxItems: 2 },
  { type: "array", items: false, minItems: 1 },
  { type: "array", minItems: 1, not: { contains: true } },
  { type: "array", minItems: 3, items: { const: 1 }, contains: { type: "integer" }, maxContains: 2 },
  { type: "array", items: { enum: [1, 2] }, uniqueItems: true, minItems: 3 },
  { allOf: [{ type: "string" }, { type: "integer" }] },
  { type: "string", enum: [1, 2] },
  { type: "object", properties: { a: false }, required: ["a"] },
  { type: "object", required: ["a"], additionalProperties: false },
  { type: "object", required: ["a"], not: { required: ["a"] } },
  { $ref: "#" },
  { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
  { anyOf: [false, { type: "integer", minimum: 2, maximum: 1 }] },
  { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
];
for (const schema of impossible) {
  test(`refused: nothing can be valid by ${JSON.stringify(schema).slice(0, 80)}`, () => {
    assert.match(refusal(schema).message, /can't be satisfied/);
  });
}

test("a lenient schema leaves out what it can't hold, and keeps the rest", () => {
  const schema = {
    type: "object",
    properties: {
      a: { enum: ["red"], pattern: "(?<=x)" },
      b: { $ref: "https://example.com" },
      c: { type: "colour" },
    },
    required: ["a"],
  };
  assert.throws(() => schemaProgram(schema, { path: "schema" }), InvalidRequestError);
  const { shapes } = schemaProgram(schema, { path: "schema", isLenient: true });
  assert.deepEqual(
    shapes.flatMap((shape) => (shape.type === "object" && shape.names.length > 0 ? [shape.names] : [])),
    [["a", "b", "c"]],
  );
  assert.ok(shapes.some((shape) => shape.type === "string" && shape.texts?.[0] === "red"));
});
