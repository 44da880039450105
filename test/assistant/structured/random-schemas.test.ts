import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { SeededRandom } from "../../../bench/load/random.ts";
import { TokenMatcher } from "../../../src/inference/constraints/token-matcher.ts";
import { formOf, write } from "../../support/random-texts.ts";
import { anySchema, anyValue } from "./random-schemas.ts";

/** Schemas to make; a campaign makes thousands. */
const RUNS = Number(process.env["SCHEMA_RUNS"] ?? 30);
const SEED = Number(process.env["SCHEMA_SEED"] ?? 1);

const drafts = [
  { uri: "https://json-schema.org/draft/2020-12/schema", ajv: new Ajv2020({ strict: false, logger: false }) },
  { uri: "https://json-schema.org/draft/2019-09/schema", ajv: new Ajv2019({ strict: false, logger: false }) },
  { uri: "http://json-schema.org/draft-07/schema#", ajv: new Ajv({ strict: false, logger: false }) },
];
for (const { ajv } of drafts) addFormats.default(ajv);

for (const { uri, ajv } of drafts) {
  const isObject = (schema: unknown) => schema !== null && typeof schema === "object";
  const inDraft = anySchema.filter(isObject).map((schema) => ({ $schema: uri, ...(schema as object) }));

  test(`what is written for random schemas validates: ${uri}`, () => {
    let written = 0;
    fc.assert(
      fc.property(inDraft, fc.integer(), (schema, seed) => {
        const form = formOf(schema, false);
        if (form === undefined) return;
        const validate = ajv.compile(schema);
        const random = new SeededRandom(seed);
        for (let round = 0; round < 3; round++) {
          const text = write(form, random);
          if (text === undefined) continue;
          written++;
          assert.ok(validate(JSON.parse(text)), `${text}: ${ajv.errorsText(validate.errors)}`);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    assert.ok(written > RUNS, `${written} texts were written`);
  });

  test(`as a validator, random schemas take no value that Ajv refuses: ${uri}`, () => {
    fc.assert(
      fc.property(inDraft, fc.array(anyValue, { minLength: 12, maxLength: 12 }), (schema, values) => {
        const form = formOf(schema, true);
        if (form === undefined) return;
        const validate = ajv.compile(schema);
        for (const value of values) {
          const matcher = new TokenMatcher(form);
          const text = JSON.stringify(value);
          const isTaken = matcher.acceptBytes(Buffer.from(text, "utf8")) && matcher.isComplete;
          if (isTaken) assert.ok(validate(value), `takes ${text}`);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
}
