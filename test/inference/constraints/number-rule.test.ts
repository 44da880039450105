import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SeededRandom } from "../../../bench/load/random.ts";
import { formOf, write } from "../../support/random-texts.ts";

const ROUNDS = 15;

/** Conditions of which a number's first digits must know that the others can still meet them. */
const schemas: readonly object[] = [
  { type: "integer", minimum: 1, maximum: 3, not: { const: 2 } },
  { type: "integer", not: { const: 0 } },
  { type: "integer", minimum: 100, maximum: 120, multipleOf: 7, not: { enum: [105, 112] } },
  { type: "integer", exclusiveMinimum: 9007199254740991, maximum: 9007199254741000 },
  { type: "number", not: { type: "integer" } },
  { type: "number", not: { type: "integer" }, minimum: 1, maximum: 2 },
  { type: "number", not: { type: "integer" }, minimum: -1, maximum: 3, multipleOf: 0.5 },
  { type: "number", not: { enum: [1, 2, 0.5] }, minimum: 0, maximum: 3 },
  { type: "number", exclusiveMinimum: 5, exclusiveMaximum: 5.1 },
  { type: "number", exclusiveMinimum: 0, maximum: 1e-20 },
  { type: "number", minimum: -1.5, exclusiveMaximum: -1.25, multipleOf: 0.25 },
];

for (const schema of schemas) {
  test(`numbers are written to their end: ${JSON.stringify(schema)}`, () => {
    const form = formOf(schema, false);
    assert.ok(form !== undefined);
    const validate = new Ajv2020().compile(schema);
    const random = new SeededRandom(3);
    for (let round = 0; round < ROUNDS; round++) {
      const text = write(form, random);
      assert.ok(text !== undefined && validate(JSON.parse(text)), text);
    }
  });
}

test("numbers of more digits than are written are refused", () => {
  for (const schema of [{ minimum: 1e300 }, { maximum: -1e30 }, { exclusiveMinimum: 1e21 }])
    assert.equal(formOf({ type: "number", ...schema }, false), undefined);
});
