import type { SchemaCase } from "./schema-case.ts";

const named = (keyword: string, schemas: readonly unknown[]): SchemaCase[] =>
  schemas.map((schema) => ({ name: `${keyword} ${JSON.stringify(schema).slice(0, 70)}`, schema }));

const short = { type: "string", maxLength: 6 };
const digit = { type: "integer", minimum: 0, maximum: 9 };
const closed = (properties: object) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const composed: readonly SchemaCase[] = [
  ...named("anyOf", [
    { anyOf: [digit, short] },
    { anyOf: [digit, { type: "null" }] },
    { anyOf: [{ const: 1 }, { const: 1 }, { const: 2 }] },
    { anyOf: [closed({ a: digit }), closed({ b: short })] },
    { anyOf: [closed({ a: digit }), closed({ a: digit, b: digit })] },
    { type: "object", properties: { a: digit, b: digit }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    { type: "string", anyOf: [{ maxLength: 2 }, { minLength: 4, maxLength: 6 }] },
    { anyOf: [false, digit] },
    {
      anyOf: [
        { type: "string", enum: ["x"] },
        { type: "array", items: digit, maxItems: 2 },
      ],
    },
    {
      type: "integer",
      anyOf: [
        { minimum: 5, maximum: 6 },
        { minimum: 50, maximum: 60 },
      ],
    },
    { anyOf: [{ anyOf: [digit, { type: "null" }] }, { type: "boolean" }] },
    { type: ["string", "integer"], anyOf: [{ type: "string", maxLength: 3 }, { type: "boolean" }] },
  ]),
  ...named("oneOf", [
    { oneOf: [digit, short] },
    { oneOf: [{ const: "a" }, { const: "b" }, { enum: ["c", "d"] }] },
    {
      oneOf: [
        closed({ kind: { const: "circle" }, r: digit }),
        closed({ kind: { const: "square" }, side: digit }),
      ],
    },
    { oneOf: [closed({ a: digit }), closed({ b: digit })] },
    {
      oneOf: [
        { type: "object", properties: { t: { enum: ["x"] }, v: digit }, required: ["t", "v"] },
        { type: "object", properties: { t: { enum: ["y", "z"] }, v: short }, required: ["t", "v"] },
      ],
    },
    { oneOf: [{ type: "null" }, { type: "array", items: digit, maxItems: 2 }] },
    {
      $defs: {
        cat: closed({ type: { const: "cat" }, lives: digit }),
        dog: closed({ type: { const: "dog" } }),
      },
      oneOf: [{ $ref: "#/$defs/cat" }, { $ref: "#/$defs/dog" }],
    },
  ]),
  ...named("allOf", [
    { allOf: [{ type: "integer", minimum: 3 }, { maximum: 5 }] },
    {
      allOf: [
        { type: "object", properties: { a: digit }, required: ["a"] },
        { properties: { b: short }, required: ["b"] },
      ],
    },
    {
      allOf: [
        { properties: { a: { minimum: 2 } } },
        { properties: { a: { type: "integer", maximum: 4 } }, required: ["a"] },
      ],
      type: "object",
    },
    { allOf: [{ enum: ["a", "b", "c"] }, { enum: ["b", "c", "d"] }] },
    { allOf: [{ type: ["string", "integer"] }, { type: ["integer", "null"] }], maximum: 3, minimum: 0 },
    { allOf: [{ type: "string", maxLength: 9 }, { maxLength: 4 }, { minLength: 2 }] },
    {
      allOf: [
        { type: "array", items: { type: "integer" } },
        { items: { minimum: 0, maximum: 3 }, maxItems: 2 },
      ],
    },
    { allOf: [true, digit] },
    {
      allOf: [{ $ref: "#/$defs/base" }, { properties: { extra: digit }, required: ["extra"] }],
      $defs: { base: { type: "object", properties: { id: digit }, required: ["id"] } },
    },
    { allOf: [{ allOf: [{ type: "integer" }, { minimum: 1 }] }, { maximum: 2 }] },
    {
      type: "object",
      properties: { a: digit },
      allOf: [{ anyOf: [{ required: ["a"] }, { properties: { a: { const: 3 } } }] }],
    },
  ]),
  ...named("$ref", [
    { $defs: { d: digit }, $ref: "#/$defs/d" },
    { $defs: { d: digit }, type: "array", items: { $ref: "#/$defs/d" }, maxItems: 3 },
    {
      definitions: { d: short },
      type: "object",
      properties: { a: { $ref: "#/definitions/d" } },
      required: ["a"],
    },
    { $defs: { d: { type: "string" } }, $ref: "#/$defs/d", maxLength: 3 },
    { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/c" }, c: digit }, $ref: "#/$defs/a" },
    { $defs: { "a/b~c %": digit }, $ref: "#/$defs/a~1b~0c%20%25" },
    { type: "object", properties: { a: digit, b: { $ref: "#/properties/a" } }, required: ["a", "b"] },
    { type: "object", properties: { $ref: digit }, required: ["$ref"] },
  ]),
  ...named("recursion", [
    {
      type: "object",
      properties: { value: digit, next: { anyOf: [{ $ref: "#" }, { type: "null" }] } },
      required: ["value", "next"],
      additionalProperties: false,
    },
    {
      $defs: {
        node: closed({
          name: short,
          children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 1 },
        }),
      },
      $ref: "#/$defs/node",
    },
    {
      $defs: {
        list: {
          type: ["array", "integer"],
          items: { $ref: "#/$defs/list" },
          maxItems: 2,
          minimum: 0,
          maximum: 9,
        },
      },
      $ref: "#/$defs/list",
    },
    {
      $defs: {
        expression: { oneOf: [digit, closed({ op: { enum: ["+", "-"] }, of: { $ref: "#/$defs/pair" } })] },
        pair: {
          type: "array",
          prefixItems: [{ $ref: "#/$defs/expression" }, { $ref: "#/$defs/expression" }],
          minItems: 2,
          items: false,
        },
      },
      $ref: "#/$defs/expression",
    },
    { type: "object", properties: { self: { $ref: "#" } }, additionalProperties: false },
  ]),
];
