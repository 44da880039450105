import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { InvalidRequestError } from "../../../src/errors.ts";
import { json } from "../../../src/inference/constraints/expression.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { judgeOf } from "../../support/schema-judge.ts";
import { cases } from "./cases.ts";
import type { SchemaCase } from "./schema-case.ts";

/**
 * A campaign takes more schemas from a file of cases as `npm run bench:schemas` reads it, and other numbers of answers:
 * SCHEMA_FILE=cases.jsonl SCHEMA_COUNT=500 SCHEMA_ANSWERS=3.
 */
const FILE = process.env["SCHEMA_FILE"];
const COUNT = Number(process.env["SCHEMA_COUNT"] ?? 500);
const ANSWERS = Number(process.env["SCHEMA_ANSWERS"] ?? 1);
const MAX_TOKENS = 400;

/** Undefined where a schema is refused, or where `make` says so of it. */
function unless<T>(expected: (error: Error) => boolean, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error && expected(error)) return undefined;
    throw error;
  }
}

const more = (
  FILE === undefined
    ? []
    : readFileSync(FILE, "utf8")
        .split("\n")
        .filter((line) => line !== "")
).map((line) => JSON.parse(line) as SchemaCase);
const asked = FILE === undefined ? cases : [...cases, ...more].slice(0, COUNT);

test(`every complete answer validates: ${asked.length} schemas`, async () => {
  assert.ok(asked.length >= 150);
  const engine = new InProcessEngine({ sequences: 16 });
  let [complete, answered, refused, unjudged] = [0, 0, 0, 0];
  const never: string[] = [];
  const invalid: string[] = [];
  for (const { name, schema } of asked) {
    const program = unless(
      (error) => error instanceof InvalidRequestError,
      () => schemaProgram(schema, { path: "schema" }),
    );
    // Ajv takes no schema whose references or patterns it can't read.
    const validate = unless(
      () => FILE !== undefined,
      () => judgeOf(schema),
    );
    if (program === undefined || validate === undefined) {
      if (program === undefined) refused++;
      else unjudged++;
      continue;
    }
    const form = { start: json(program) };
    const answers = await engine.run(
      Array.from({ length: ANSWERS }, (_, seed) =>
        continuing("Once upon a time", {
          maxTokens: MAX_TOKENS,
          sampling: { temperature: 1.2, seed, constraint: { key: JSON.stringify(schema), form } },
        }),
      ),
    );
    const whole = answers.filter(({ finishReason }) => finishReason === "stop");
    if (whole.length === 0) never.push(name);
    complete += whole.length;
    answered += answers.length;
    for (const { text } of whole)
      if (!validate(JSON.parse(text))) invalid.push(`${name}: ${text}: ${JSON.stringify(validate.errors)}`);
  }
  console.log(
    `${complete} of ${answered} answers to ${asked.length - refused - unjudged} schemas were complete, ${invalid.length} of them invalid; ${refused} schemas were refused, ${unjudged} are none that Ajv reads`,
  );
  assert.deepEqual(invalid, []);
  // What is bounded in length must also come to its end; schemas of the wild need not be.
  assert.ok(FILE !== undefined || never.length < asked.length / 10, `never complete: ${never.join("; ")}`);
  assert.ok(FILE !== undefined || refused === 0);
});
