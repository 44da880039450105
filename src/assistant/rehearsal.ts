import { json } from "../inference/constraints/expression.ts";
import type { GenerationRequest } from "../inference/engine.ts";
import { schemaProgram } from "./structured/schema-program.ts";
import { plainPrompt } from "./template/transcript.ts";

/** Some of each kind of value, so that the code for all of them is exercised. */
const schema = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 40 },
    kind: { enum: ["first", "second", "third"] },
    day: { type: "string", pattern: "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$" },
    count: { type: "integer", minimum: 0, maximum: 999 },
    lines: {
      type: "array",
      maxItems: 3,
      items: {
        type: "object",
        properties: { text: { type: "string", maxLength: 24 }, done: { type: "boolean" } },
        required: ["text", "done"],
        additionalProperties: false,
      },
    },
  },
  required: ["name", "kind", "day", "count", "lines"],
  additionalProperties: false,
};

/** What an engine rehearses after its start: free text, and answers held to a schema, likeliest tokens and drawn ones. */
export function rehearsalRequests(): GenerationRequest[] {
  const form = { start: json(schemaProgram(schema, { path: "schema" })) };
  const constraint = { key: "rehearsal", form };
  const prompt = plainPrompt("Once upon a time");
  const likeliest = { temperature: 0, seed: 0 };
  const drawn = { temperature: 0.8, topP: 0.95, seed: 0 };
  const samplings = [likeliest, { ...likeliest, constraint }, { ...drawn, constraint }];
  return samplings.map((sampling) => ({ prompt, maxTokens: 400, endsAtWindow: true, sampling, stop: [] }));
}
