import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerRules, answerConstraint } from "../../src/assistant/answer-constraint.ts";
import { ConstraintCompiler } from "../../src/assistant/constraint-compiler.ts";
import { knownFormat } from "../../src/assistant/formats/known-formats.ts";
import { InvalidRequestError } from "../../src/errors.ts";

const rules = (schema: unknown): AnswerRules => ({
  form: { type: "schema", schema, path: "schema" },
  tools: [],
  format: knownFormat(""),
  isThinking: false,
  isSpeaking: false,
  begunOpening: 0,
  mustCall: false,
  parallel: true,
});
const colour = { enum: ["red", "blue"] };

test("another thread's form is the one of this thread, and equal schemas share a key", async () => {
  const compiler = new ConstraintCompiler();
  const constraints = await Promise.all(
    [colour, { type: "integer" }, colour].map((schema) => compiler.compile(rules(schema))),
  );
  assert.deepEqual(
    constraints.map((constraint) => constraint?.form),
    [colour, { type: "integer" }, colour].map((schema) => answerConstraint(rules(schema))),
  );
  assert.equal(constraints[0]?.key, constraints[2]?.key);
  assert.notEqual(constraints[0]?.key, constraints[1]?.key);
});

test("a refusal names the keyword, and the next schema is compiled", async () => {
  const compiler = new ConstraintCompiler();
  const refused = compiler.compile(rules({ properties: { a: { pattern: "(a)\\1" } } }));
  const next = compiler.compile(rules(colour));
  await assert.rejects(
    refused,
    (error) => error instanceof InvalidRequestError && error.param === "schema.properties.a.pattern",
  );
  assert.equal((await next)?.form.start.type, "json");
});

test("a schema that takes too long is refused, and the next one is compiled by a fresh thread", async () => {
  const compiler = new ConstraintCompiler(1);
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
  for (let depth = 0; depth < 300; depth++) schema = { items: schema };
  await assert.rejects(new ConstraintCompiler().compile(rules(schema)), /nested deeper/);
});

test("plain answers are held to nothing", async () => {
  assert.equal(await new ConstraintCompiler().compile({ ...rules({}), form: { type: "text" } }), undefined);
});
