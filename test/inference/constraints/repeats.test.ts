import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SeededRandom } from "../../../bench/load/random.ts";
import { formOf, write } from "../../support/random-texts.ts";

const ROUNDS = 1;
const MAX_TOKENS = 3000;
const twoLetters = "^[a-i][a-h]$";

/** Schemas under which a careless step leads to where only a repeat could follow. */
const schemas: Readonly<Record<string, object>> = {
  "a name that goes on in two ways": {
    type: "object",
    propertyNames: { pattern: "^x(foo|y.*)$" },
    additionalProperties: { type: "null" },
    minProperties: 3,
  },
  "names that run out": {
    type: "object",
    propertyNames: { pattern: twoLetters },
    additionalProperties: { type: "null" },
    minProperties: 60,
    maxProperties: 72,
  },
  "names beside a declared one that is left out": {
    type: "object",
    properties: { aa: { type: "null" }, declared: { type: "null" } },
    patternProperties: { [twoLetters]: { type: "null" } },
    additionalProperties: false,
    minProperties: 73,
  },
  "whole numbers between bounds": {
    type: "array",
    uniqueItems: true,
    items: { type: "integer", minimum: 8, maximum: 12 },
    minItems: 4,
  },
  "lists of lists": {
    type: "array",
    uniqueItems: true,
    items: { type: "array", items: { type: "boolean" }, maxItems: 1 },
    minItems: 3,
  },
  "the last field tells objects apart": {
    type: "array",
    uniqueItems: true,
    items: {
      type: "object",
      properties: { on: { type: "boolean" }, level: { enum: ["low", "high"] } },
      required: ["on", "level"],
      additionalProperties: false,
    },
    minItems: 4,
  },
  "a zero in many forms": {
    type: "array",
    uniqueItems: true,
    items: { type: "number", minimum: 0, maximum: 0.2, multipleOf: 0.1 },
    minItems: 3,
  },
};

for (const [name, schema] of Object.entries(schemas)) {
  test(`an answer never comes to where only a repeat could follow: ${name}`, () => {
    const form = formOf(schema, false);
    assert.ok(form !== undefined);
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const random = new SeededRandom(7);
    for (let round = 0; round < ROUNDS; round++) {
      const text = write(form, random, MAX_TOKENS);
      assert.ok(text !== undefined);
      assert.ok(validate(JSON.parse(text)), text);
    }
  });
}

for (const [name, schema] of Object.entries({
  "five whole numbers of four": {
    type: "array",
    uniqueItems: true,
    items: { type: "integer", exclusiveMinimum: 8, maximum: 12 },
    minItems: 5,
  },
  "two empty objects": { type: "array", uniqueItems: true, items: { const: {} }, minItems: 2 },
  "four lists of three": {
    type: "array",
    uniqueItems: true,
    items: { type: "array", items: { type: "boolean" }, maxItems: 1 },
    minItems: 4,
  },
  "73 names of 72": { type: "object", propertyNames: { pattern: twoLetters }, minProperties: 73 },
})) {
  test(`more than there are is refused: ${name}`, () => {
    assert.equal(formOf(schema, false), undefined);
  });
}
