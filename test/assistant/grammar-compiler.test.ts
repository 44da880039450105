import assert from "node:assert/strict";
import { test } from "node:test";
import { knownFormat } from "../../src/assistant/formats/known-formats.ts";
import type { AnswerRules } from "../../src/assistant/grammar.ts";
import { GrammarCompiler } from "../../src/assistant/grammar-compiler.ts";
import { schemaGrammar } from "../../src/assistant/structured/schema-grammar.ts";
import { InvalidRequestError } from "../../src/errors.ts";

const rules = (schema: unknown): AnswerRules => ({
  form: { type: "schema", schema, path: "schema" },
  tools: [],
  format: knownFormat(""),
  isThinking: false,
  mustCall: false,
  parallel: true,
});
const colour = { enum: ["red", "blue"] };

test("another thread's grammar is the one of this thread", async () => {
  const compiler = new GrammarCompiler();
  const grammars = await Promise.all(
    [colour, { type: "integer" }, colour].map((schema) => compiler.compile(rules(schema))),
  );
  assert.deepEqual(
    grammars,
    [colour, { type: "integer" }, colour].map((schema) => schemaGrammar(schema, { path: "schema" })),
  );
});

test("a refusal names the keyword, and the next schema is compiled", async () => {
  const compiler = new GrammarCompiler();
  const refused = compiler.compile(rules({ properties: { a: { not: {} } } }));
  const next = compiler.compile(rules(colour));
  await assert.rejects(
    refused,
    (error) => error instanceof InvalidRequestError && error.param === "schema.properties.a.not",
  );
  assert.match((await next) ?? "", /red|r0/);
});

test("a schema that takes too long is refused, and the next one is compiled by a fresh thread", async () => {
  const compiler = new GrammarCompiler(1);
  const slow = {
    type: "object",
    properties: Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [
        `p${index}`,
        { type: "integer", minimum: index, maximum: 1e9 },
      ]),
    ),
    required: Array.from({ length: 2000 }, (_, index) => `p${index}`),
  };
  for (let time = 0; time < 2; time++) {
    await assert.rejects(
      compiler.compile(rules(slow)),
      (error) =>
        error instanceof InvalidRequestError &&
        error.param === "schema" &&
        /more than 1 ms/.test(error.message),
    );
  }
});

test("schemas too deep to be sent are refused at once", async () => {
  let schema: unknown = {};
  for (let depth = 0; depth < 200; depth++) schema = { items: schema };
  await assert.rejects(new GrammarCompiler().compile(rules(schema)), /nested deeper/);
});

test("plain answers need no grammar", async () => {
  assert.equal(await new GrammarCompiler().compile({ ...rules({}), form: { type: "text" } }), undefined);
});
