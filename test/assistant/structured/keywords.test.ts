import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { TokenMatcher } from "../../../src/inference/constraints/token-matcher.ts";
import { formOf } from "../../support/random-texts.ts";
import { keywordCases } from "./keyword-cases.ts";

const uris = {
  4: "http://json-schema.org/draft-04/schema#",
  6: "http://json-schema.org/draft-06/schema#",
  7: "http://json-schema.org/draft-07/schema#",
  2019: "https://json-schema.org/draft/2019-09/schema",
} as const;
const options = { strict: false, logger: false } as const;
/** Ajv has no draft 4, and reads 6 as 7. */
const judges = {
  6: new Ajv(options),
  7: new Ajv(options),
  2019: new Ajv2019(options),
  2020: new Ajv2020(options),
};
for (const ajv of Object.values(judges)) addFormats.default(ajv);

for (const { keyword, schema, draft, valid, invalid } of keywordCases) {
  const shown = JSON.stringify(schema);
  test(`${keyword}${draft === undefined ? "" : `, draft ${draft}`}: ${shown.slice(0, 70)}`, () => {
    const whole = draft === undefined ? schema : { $schema: uris[draft], ...schema };
    const form = formOf(whole, true);
    assert.ok(form !== undefined);
    const judged = draft === 6 ? { ...whole, $schema: uris[7] } : whole;
    const judge = draft === 4 ? undefined : judges[draft ?? 2020].compile(judged);
    for (const [values, isValid] of [
      [valid, true],
      [invalid, false],
    ] as const) {
      for (const value of values) {
        const matcher = new TokenMatcher(form);
        const text = JSON.stringify(value);
        assert.equal(matcher.acceptBytes(Buffer.from(text)) && matcher.isComplete, isValid, text);
        if (judge !== undefined) assert.equal(judge(value), isValid, `Ajv on ${text}`);
      }
    }
  });
}

test("every keyword that docs/openai.md calls held has a case", () => {
  const docs = readFileSync(new URL("../../../docs/openai.md", import.meta.url), "utf8");
  const from = docs.indexOf("| keyword |");
  const rows = docs.slice(from, docs.indexOf("\n\n", from)).split("\n").slice(2);
  const held = rows.filter((row) => / \| held/.test(row)).map((row) => row.split("|")[1] ?? "");
  const keywords = held.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.ok(keywords.length > 40);
  const cased = new Set(keywordCases.map(({ keyword }) => keyword));
  assert.deepEqual(
    keywords.filter((keyword) => !cased.has(keyword ?? "")),
    [],
  );
});
