import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { json } from "../../../src/inference/constraints/expression.ts";
import { TokenForm } from "../../../src/inference/constraints/token-form.ts";
import { TokenForms } from "../../../src/inference/constraints/token-forms.ts";
import { TokenMatcher } from "../../../src/inference/constraints/token-matcher.ts";
import { smallTable } from "../../support/small-vocabulary.ts";

const formOf = (schema: unknown, isValidator = false) =>
  new TokenForm({ start: json(schemaProgram(schema, { path: "schema", isValidator })) }, smallTable);

function takes(form: TokenForm, text: string): boolean {
  const matcher = new TokenMatcher(form);
  return matcher.acceptBytes(Buffer.from(text, "utf8")) && matcher.isComplete;
}

/** Schemas and a text of each; at every byte of it the mask is compared with a test of each token. */
const followed: ReadonlyArray<readonly [schema: unknown, text: string]> = [
  [
    { type: "object", properties: { name: {}, names: {}, a: {} }, required: ["a"] },
    '{"name":"é\\n日","a":[1]}',
  ],
  [{ type: "string", maxLength: 4 }, '"a日é\\u0041"'],
  [{ type: "string", minLength: 3 }, '"abcé"'],
  [{ type: "string", pattern: "^[a-c]+(-\\d+)?$" }, '"abc-123"'],
  [{ type: "string", pattern: "^x" }, '"x\\"é"'],
  [
    {
      anyOf: [
        { type: "string", maxLength: 2 },
        { type: "string", pattern: "^ab" },
      ],
    },
    '"abc"',
  ],
  [{ type: "string", format: "date" }, '"2024-02-29"'],
  [{ enum: ["the name", "the names", 'a"b', "é"] }, '"the names"'],
  [{ type: "integer", minimum: 7, maximum: 12345 }, "1234"],
  [{ type: "integer", minimum: -120, exclusiveMaximum: 5 }, "-119"],
  [{ type: "number", minimum: 0.05, maximum: 12.5 }, "12.05"],
  [{ type: "number", exclusiveMinimum: 0 }, "0.5"],
  [{ type: "integer", multipleOf: 12 }, "1200"],
  [{ type: ["number", "null"] }, "-0.5e5"],
  [{ type: "array", items: { type: ["integer", "string"] }, maxItems: 3 }, '[12, "a", 3]'],
  [{ type: "object", patternProperties: { "^a": { type: "integer" } } }, '{"ab":12,"name":null}'],
  [{ type: "object", additionalProperties: { enum: ["a", "ab"] } }, '{"name": "ab",\n  "x":"a"}'],
];

for (const [schema, text] of followed) {
  test(`a mask has what may follow and nothing else: ${JSON.stringify(schema)}`, () => {
    const matcher = new TokenMatcher(formOf(schema));
    for (const byte of [undefined, ...Buffer.from(text, "utf8")]) {
      if (byte !== undefined) assert.ok(matcher.acceptBytes(Uint8Array.of(byte)), `refused ${byte}`);
      const mask = matcher.mask();
      for (let token = 0; token < smallTable.size; token++) {
        const isSet = ((mask[token >> 5] ?? 0) & (1 << (token & 31))) !== 0;
        const piece = Buffer.from(smallTable.vocabulary.piece(token)).toString("latin1");
        assert.equal(isSet, matcher.allows(token), `token ${token} ${JSON.stringify(piece)}`);
      }
    }
    assert.ok(matcher.isComplete);
  });
}

test("declared names and listed texts are written without needless escapes", () => {
  const schema = {
    type: "object",
    properties: { yes: { enum: ["all"] }, 'a"b': {}, "line\nend": {} },
    additionalProperties: { type: "integer" },
  };
  const form = formOf(schema);
  for (const text of ['{"yes":"all"}', '{"a\\"b":1,"line\\nend":2}', '{"a\\u0022b":1}', '{"oth\\u0065r":3}'])
    assert.ok(takes(form, text), text);
  for (const text of ['{"ye\\u0073":"all"}', '{"ye\\u0073":3}', '{"\\u0079es":"all"}', '{"yes":"\\u0061ll"}'])
    assert.ok(!takes(form, text), text);
  const validator = formOf(schema, true);
  assert.ok(takes(validator, '{"ye\\u0073":"\\u0061ll"}'));
  assert.ok(!takes(validator, '{"ye\\u0073":3}'));
});

test("numbers are held to bounds at their last digit", () => {
  const cases: ReadonlyArray<
    readonly [schema: object, valid: readonly string[], invalid: readonly string[]]
  > = [
    [
      { type: "integer", minimum: 98, maximum: 1002 },
      ["98", "100", "999", "1002"],
      ["97", "9", "1003", "10020"],
    ],
    [{ type: "integer", maximum: -5 }, ["-5", "-50", "-500"], ["-4", "5", "0"]],
    [{ type: "number", exclusiveMaximum: 10, minimum: 9.5 }, ["9.5", "9.99"], ["10", "9.49", "9", "10.0"]],
    [
      { type: "number", minimum: -1, maximum: 1 },
      ["-1", "-1.0", "-0.99", "0", "1.000"],
      ["-1.01", "1.001", "2"],
    ],
    [{ type: "integer", exclusiveMinimum: 0 }, ["1", "10", "99999"], ["0", "-1", "00"]],
    [{ type: "number", exclusiveMinimum: 0, maximum: 0.001 }, ["0.001", "0.0005"], ["0", "0.0", "0.0011"]],
  ];
  for (const [schema, valid, invalid] of cases) {
    const form = formOf(schema);
    for (const text of valid) assert.ok(takes(form, text), `${JSON.stringify(schema)} refuses ${text}`);
    for (const text of invalid) assert.ok(!takes(form, text), `${JSON.stringify(schema)} takes ${text}`);
  }
});

test("forms are kept as far as there is room for what they hold, the latest longest", () => {
  const constraint = (key: string) => ({
    key,
    form: { start: json(schemaProgram({ const: key }, { path: "" })) },
  });
  const use = (form: TokenForm) => {
    const matcher = new TokenMatcher(form);
    while (!matcher.isFinal) {
      matcher.mask();
      matcher.acceptBytes(matcher.forcedBytes(1));
    }
    return form.heldBytes;
  };
  const [a, b, c] = [constraint("aaaaaaaaaa"), constraint("bbbbbbbbbb"), constraint("cccccccccc")];
  const bytes = use(new TokenForms(smallTable).get(a));
  assert.ok(bytes > 10 * smallTable.maskBytes, `${bytes}`);
  const forms = new TokenForms(smallTable, 2.5 * bytes);
  const made = [a, b].map((each) => {
    const form = forms.get(each);
    use(form);
    return form;
  });
  assert.equal(forms.get(a), made[0]);
  use(forms.get(c));
  assert.equal(forms.get(a), made[0]);
  assert.notEqual(forms.get(b), made[1]);
});
