import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TokenMatcher } from "../../../src/inference/constraints/token-matcher.ts";
import { formOf } from "../../support/random-texts.ts";
import { judgeOf } from "../../support/schema-judge.ts";
import { keywordCases } from "./keyword-cases.ts";

const uris = {
  4: "http://json-schema.org/draft-04/schema#",
  6: "http://json-schema.org/draft-06/schema#",
  7: "http://json-schema.org/draft-07/schema#",
  2019: "https://json-schema.org/draft/2019-09/schema",
} as const;
for (const { keyword, schema, draft, valid, invalid, isAjvStricter } of keywordCases) {
  const shown = JSON.stringify(schema);
  test(`${keyword}${draft === undefined ? "" : `, draft ${draft}`}: ${shown.slice(0, 70)}`, () => {
    const whole = draft === undefined ? schema : { $schema: uris[draft], ...schema };
    const form = formOf(whole, true);
    assert.ok(form !== undefined);
    const judge = judgeOf(whole);
    for (const [values, isValid] of [
      [valid, true],
      [invalid, false],
    ] as const) {
      for (const value of values) {
        const matcher: TokenMatcher = new TokenMatcher(form);
        const text = JSON.stringify(value);
        assert.equal(matcher.acceptBytes(Buffer.from(text)) && matcher.isComplete, isValid, text);
        if (isAjvStricter !== true) assert.equal(judge(value), isValid, `Ajv on ${text}`);
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

test("a property may be called __proto__", () => {
  const schema: unknown = JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"boolean"}},"required":["__proto__"],"additionalProperties":false}',
  );
  for (const isValidator of [true, false]) {
    const form = formOf(schema, isValidator);
    assert.ok(form !== undefined);
    const takes = (text: string) => {
      const matcher: TokenMatcher = new TokenMatcher(form);
      return matcher.acceptBytes(Buffer.from(text)) && matcher.isComplete;
    };
    assert.ok(takes('{"__proto__":true}'));
    assert.ok(!takes('{"__proto__":1}'));
    assert.ok(!takes("{}"));
  }
});
