import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { json } from "../../../src/inference/constraints/expression.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { cases } from "./cases.ts";

const GENERATIONS = 4;
const MAX_TOKENS = 400;

test(`every complete answer validates: ${cases.length} schemas`, async () => {
  assert.ok(cases.length >= 150);
  const engine = new InProcessEngine({ sequences: 16 });
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  let complete = 0;
  const never: string[] = [];
  for (const { name, schema } of cases) {
    const validate = ajv.compile(schema as object);
    const form = { start: json(schemaProgram(schema, { path: "schema" })) };
    const answers = await engine.run(
      Array.from({ length: GENERATIONS }, (_, seed) =>
        continuing("Once upon a time", {
          maxTokens: MAX_TOKENS,
          sampling: { temperature: 1.2, seed, constraint: { key: JSON.stringify(schema), form } },
        }),
      ),
    );
    const whole = answers.filter(({ finishReason }) => finishReason === "stop");
    if (whole.length === 0) never.push(name);
    complete += whole.length;
    for (const { text } of whole) {
      assert.ok(validate(JSON.parse(text)), `${name}: ${text}: ${ajv.errorsText(validate.errors)}`);
    }
  }
  console.log(`${complete} of ${cases.length * GENERATIONS} answers were complete, and all of them valid`);
  // What is bounded in length must also come to its end.
  assert.ok(never.length < cases.length / 10, `never complete: ${never.join("; ")}`);
});
