import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SeededRandom } from "../../../bench/load/random.ts";
import { schemaProgram } from "../../../src/assistant/structured/schema-program.ts";
import { json } from "../../../src/inference/constraints/expression.ts";
import type { GenerationRequest } from "../../../src/inference/engine.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { BUILTIN } from "../../support/model.ts";
import { assertSameTokens } from "../../support/same-tokens.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** Conversations; a longer campaign is run with more. */
const SESSIONS = Number(process.env["KV_SESSIONS"] ?? 8);
const SEED = Number(process.env["KV_SEED"] ?? 5);

const facts = [
  "The Marlin printer was built in Oslo.",
  "It has a warranty of 24 months.",
  "The manual is green.",
  "A token is a piece of text that a model reads.",
  "The river is long and the bridge is old.",
  "Cats sleep most of the day.",
];
const system = facts.concat(facts.toReversed(), facts).join(" ").repeat(2);
const schema = {
  type: "object",
  properties: { is_the_answer_in_the_text: { type: "boolean" }, colour: { enum: ["green", "grey"] } },
  required: ["is_the_answer_in_the_text", "colour"],
  additionalProperties: false,
};
const form = { start: json(schemaProgram(schema, { path: "schema" })) };

/** Turns of conversations in random order, some side by side; half of the conversations begin with the same text. */
function* groups(random: SeededRandom): Generator<GenerationRequest[]> {
  const histories = Array.from({ length: SESSIONS }, (_, session) =>
    session % 2 === 0 ? `${system} Session ${session}.` : `Session ${session}. ${facts[session % 6]}`,
  );
  for (let left = 3 * SESSIONS; left > 0; ) {
    const together = Math.min(left, 1 + random.integer(6));
    // All of one kind now and then, so that what they have in common changes the layout.
    const [first, step] = random.next() < 0.6 ? [random.integer(2), 2] : [0, 1];
    yield Array.from({ length: together }, () => {
      const session = (first + step * random.integer(SESSIONS)) % (2 * Math.floor(SESSIONS / 2));
      histories[session] += ` ${facts[random.integer(6)]}`;
      const isHeld = random.next() < 0.2;
      const constraint = isHeld ? { key: "colour", form } : undefined;
      return {
        ...continuing(histories[session] ?? "", {
          maxTokens: isHeld ? 40 : 6,
          sampling: { temperature: 0, seed: 0, ...(constraint && { constraint }) },
        }),
        logprobs: 1,
      };
    });
    left -= together;
  }
}

test(`greedy texts of ${SESSIONS} conversations are the same whatever was kept, moved, bridged or drafted`, async (t) => {
  const settings = { modelPath: BUILTIN, contextSize: 1024 };
  const alone = new InProcessEngine({ ...settings, sequences: 1 });
  const engine = new InProcessEngine({
    ...settings,
    sequences: 5,
    kvLayout: "auto",
    speculation: true,
    kvHostMemory: 2_000_000,
    kvDisk: 2 ** 30,
    kvDirectory: join(await temporaryDirectory(t), "kv"),
  });
  const layouts = new Set<string>();
  const tiers = new Set<string>();
  let accepted = 0;
  for (const requests of groups(new SeededRandom(SEED))) {
    const answers = await engine.run(requests);
    layouts.add(engine.layout);
    for (const [index, request] of requests.entries()) {
      const [expected] = await alone.run([request]);
      const answer = answers[index];
      assert.ok(expected !== undefined && answer !== undefined);
      assertSameTokens(answer.tokens, expected.tokens, JSON.stringify(request.prompt));
      tiers.add(answer.usage.cachedFrom ?? "none");
      accepted += answer.usage.acceptedTokens;
    }
  }
  assert.deepEqual([...layouts].toSorted(), ["separate", "shared"]);
  assert.ok(tiers.has("slot") && tiers.has("memory"), [...tiers].join());
  assert.ok(accepted > 0, "no drafted token was right");
  await engine.core.save();
  alone.free();
  engine.free();
});
