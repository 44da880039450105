import type { SchemaCase } from "./schema-case.ts";

const named = (keyword: string, schemas: readonly unknown[]): SchemaCase[] =>
  schemas.map((schema) => ({ name: `${keyword} ${JSON.stringify(schema).slice(0, 70)}`, schema }));

const short = { type: "string", maxLength: 6 };
const digit = { type: "integer", minimum: 0, maximum: 9 };

export const containers: readonly SchemaCase[] = [
  ...named("properties", [
    { type: "object", properties: { a: digit }, required: ["a"] },
    { type: "object", properties: { a: digit, b: short }, required: ["a", "b"] },
    { type: "object", properties: { a: digit, b: short } },
    { type: "object", properties: { a: digit, b: short, c: { type: "null" } }, required: ["b"] },
    { type: "object", properties: { a: digit, b: short, c: { type: "null" } }, required: ["c"] },
    { type: "object", properties: { a: digit, b: digit, c: digit, d: digit }, required: ["a", "d"] },
    { properties: { a: digit }, required: ["a"] },
    {
      type: "object",
      properties: { 'q"uote': digit, "back\\slash": digit },
      required: ['q"uote', "back\\slash"],
    },
    { type: "object", properties: { "": digit, "é 🎉": digit }, required: ["", "é 🎉"] },
    {
      type: "object",
      properties: { o: { type: "object", properties: { i: digit }, required: ["i"] } },
      required: ["o"],
    },
    {
      type: "object",
      properties: { a: true },
      required: ["a"],
      additionalProperties: false,
      title: "any member",
    },
    { type: "object", properties: { a: digit, b: false } },
    {
      type: "object",
      properties: { constructor: digit, toString: short },
      required: ["constructor", "toString"],
    },
    { type: "object", properties: {}, additionalProperties: false },
    {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`p${index}`, digit])),
    },
  ]),
  ...named("required", [
    { type: "object", required: ["a"], additionalProperties: digit },
    {
      type: "object",
      properties: { a: digit },
      required: ["a", "b"],
      additionalProperties: { type: "boolean" },
    },
    { required: ["x"], additionalProperties: { type: "null" } },
    { type: "object", properties: { a: digit }, required: [] },
  ]),
  ...named("additionalProperties", [
    { type: "object", properties: { a: digit }, required: ["a"], additionalProperties: false },
    { type: "object", additionalProperties: digit },
    { type: "object", additionalProperties: { type: "array", items: digit, maxItems: 2 } },
    { type: "object", properties: { a: short }, additionalProperties: digit },
    {
      type: "object",
      properties: { ab: short, abc: short, b: short },
      required: ["abc"],
      additionalProperties: digit,
    },
    { type: "object", properties: { a: digit }, additionalProperties: true },
    { type: "object", properties: { 'a"b': short }, additionalProperties: digit },
    { additionalProperties: { type: "boolean" } },
    { type: "object", additionalProperties: false },
  ]),
  ...named("minProperties/maxProperties", [
    { type: "object", properties: { a: digit, b: digit }, required: ["a", "b"], minProperties: 1 },
    { type: "object", properties: { a: digit, b: digit }, maxProperties: 2 },
    { type: "object", properties: { a: digit }, required: ["a"], minProperties: 1, maxProperties: 5 },
  ]),
  ...named("items", [
    { type: "array", items: digit, maxItems: 8 },
    { type: "array", items: digit, minItems: 1, maxItems: 1 },
    { type: "array", items: digit, minItems: 2, maxItems: 4 },
    { type: "array", items: digit, minItems: 3 },
    { type: "array", items: digit, maxItems: 0 },
    { type: "array", items: short, maxItems: 3 },
    { type: "array", items: { type: "array", items: digit, maxItems: 2 }, maxItems: 2 },
    { type: "array", items: { type: "object", properties: { a: digit }, required: ["a"] }, maxItems: 2 },
    { type: "array", items: false },
    { type: "array", items: true, maxItems: 1 },
    { items: digit, maxItems: 2 },
    { type: "array", items: { enum: ["a", "b"] }, minItems: 2, maxItems: 3, uniqueItems: false },
    { type: "array", maxItems: 2 },
    { type: "array", items: digit, minItems: 120, maxItems: 130 },
  ]),
  ...named("prefixItems", [
    { type: "array", prefixItems: [digit, short] },
    { type: "array", prefixItems: [digit, short], minItems: 2 },
    { type: "array", prefixItems: [digit, short], items: false, minItems: 1 },
    { type: "array", prefixItems: [digit], items: { type: "boolean" }, maxItems: 3 },
    { type: "array", prefixItems: [digit, digit, digit], maxItems: 2 },
    { type: "array", prefixItems: [digit], minItems: 2, maxItems: 2, items: short },
    { prefixItems: [{ const: "point" }, digit, digit], minItems: 3, items: false },
    { type: "array", prefixItems: [short], items: digit, minItems: 3, maxItems: 5 },
  ]),
  ...named("nested", [
    {
      type: "object",
      properties: {
        name: { type: "string", minLength: 1, maxLength: 12 },
        tags: { type: "array", items: { enum: ["new", "old", "odd"] }, maxItems: 3 },
        size: {
          type: "object",
          properties: { w: digit, h: digit },
          required: ["w", "h"],
          additionalProperties: false,
        },
        since: { type: "string", format: "date" },
      },
      required: ["name", "tags", "size"],
      additionalProperties: false,
    },
    {
      type: "object",
      properties: {
        steps: {
          type: "array",
          minItems: 1,
          maxItems: 2,
          items: {
            type: "object",
            properties: { explanation: short, output: short },
            required: ["explanation", "output"],
            additionalProperties: false,
          },
        },
        final_answer: short,
      },
      required: ["steps", "final_answer"],
      additionalProperties: false,
    },
    { type: ["object", "array", "null"], properties: { a: digit }, items: digit, maxItems: 2 },
  ]),
];
