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

test("work whose requests have all left is given up, and holds up no other", async () => {
  const compiler = new ConstraintCompiler(60_000);
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const hard = { type: "string", pattern: "^(a|b){1,300}$" };
  const gone = compiler.compile(rules(hard), leaving.signal);
  const queued = Array.from({ length: 50 }, (_, index) =>
    compiler.compile(rules({ ...hard, title: `${index}` }), leaving.signal),
  );
  const wanted = compiler.compile(rules({ ...hard, title: "0" }), staying.signal);
  leaving.abort(new Error("the client has gone"));
  for (const left of [gone, ...queued]) await assert.rejects(left, /the client has gone/);
  // The one that is asked for by another client as well is worked out for that one.
  assert.equal((await wanted)?.form.start.type, "json");
  assert.equal((await compiler.compile(rules(colour)))?.form.start.type, "json");
  await assert.rejects(compiler.compile(rules({ const: 1 }), leaving.signal), /the client has gone/);
});
