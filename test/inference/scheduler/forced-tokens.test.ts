import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { json } from "../../../src/inference/constraints/expression.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";

const schema = {
  type: "object",
  properties: {
    temperature_celsius: { type: "integer", minimum: 0, maximum: 40 },
    weather_description: { enum: ["sunny", "cloudy", "stormy"] },
    measured_by_a_person: { type: "boolean" },
  },
  required: ["temperature_celsius", "weather_description", "measured_by_a_person"],
  additionalProperties: false,
};
const constraint = { key: "weather", form: { start: json(schemaProgram(schema, { path: "schema" })) } };

for (const temperature of [0, 0.8]) {
  test(`what a form leaves no choice of is drafted, and changes no text at temperature ${temperature}`, async () => {
    const [plain, drafting] = [false, true].map((speculation) => new InProcessEngine({ speculation }));
    let accepted = 0;
    // Drafts are made where they pay, which a busy machine may put off for some time.
    for (let seed = 0; seed < 30 && (seed < 3 || accepted === 0); seed++) {
      const request = continuing("The weather: ", {
        maxTokens: 200,
        sampling: { temperature, seed, constraint },
      });
      const [expected] = (await plain?.run([request])) ?? [];
      const [actual] = (await drafting?.run([request])) ?? [];
      assert.equal(actual?.text, expected?.text);
      assert.equal(actual?.finishReason, "stop");
      assert.equal(actual?.usage.completionTokens, expected?.usage.completionTokens);
      assert.equal(expected?.usage.draftedTokens, 0);
      accepted += actual?.usage.acceptedTokens ?? 0;
    }
    assert.ok(accepted > 0, "no forced token was drafted rightly");
  });
}

test("a text ends where nothing can follow, without a token that says so", async () => {
  const engine = new InProcessEngine();
  const form = { start: json(schemaProgram({ const: [] }, { path: "schema" })) };
  const sampling = { temperature: 0, seed: 1, constraint: { key: "empty", form } };
  const [answer] = await engine.run([continuing("List: ", { maxTokens: 8, sampling })]);
  assert.deepEqual(JSON.parse(answer?.text ?? ""), []);
  assert.equal(answer?.finishReason, "stop");
  // A token that ends the text would be one more step, and the limit leaves no room for it here.
  const [limited] = await engine.run([
    continuing("List: ", { maxTokens: answer?.usage.completionTokens ?? 0, sampling }),
  ]);
  assert.equal(limited?.finishReason, "stop");
});
