import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatResponse } from "../../../src/features/chat/schema.ts";
import { TEST_MODEL } from "../../support/model.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

let plain: TestServer;
let drafting: TestServer;
before(async () => {
  [plain, drafting] = await Promise.all([
    startServer({ env: { SPECULATION: "off", CONTEXT_SIZE: "512" } }),
    startServer({ env: { SPECULATION: "auto", CONTEXT_SIZE: "512", DRAFT_MODEL: TEST_MODEL } }),
  ]);
});
after(() => Promise.all([plain, drafting].map((server) => server[Symbol.asyncDispose]())));

/** A text that repeats itself invites drafts. */
const repetitive = "The cat saw the dog. The dog saw the cat. ".repeat(4);
const prompts = [
  repetitive,
  "Once upon a time",
  "One day, Tom and Sam went to the park. Tom and Sam",
  "1 2 3 1 2 3 1 2 3",
];

for (const temperature of [0, 0.7]) {
  test(`drafting changes no text at temperature ${temperature}`, async () => {
    for (const [index, prompt] of prompts.entries()) {
      const body = { prompt, raw: true, temperature, seed: index, max_new_tokens: 120 };
      const expected = await json<ChatResponse>(plain.post("/chat", body));
      const actual = await json<ChatResponse>(drafting.post("/chat", body));
      assert.equal(actual.response, expected.response);
      assert.equal(actual.completion_tokens, expected.completion_tokens);
      assert.equal(expected.speculation.drafted, 0);
    }
  });
}

test("drafts are made, some are right, and the answer says how many", async () => {
  let drafted = 0;
  let accepted = 0;
  // Drafts are made where they pay, which a busy machine may put off for some time.
  for (let seed = 0; seed < 50 && accepted === 0; seed++) {
    for (const prompt of prompts) {
      const body = { prompt, raw: true, temperature: 0.3, seed, max_new_tokens: 120 };
      const { speculation } = await json<ChatResponse>(drafting.post("/chat", body));
      assert.ok(speculation.accepted <= speculation.drafted);
      drafted += speculation.drafted;
      accepted += speculation.accepted;
    }
  }
  assert.ok(drafted > 0, "nothing was drafted");
  assert.ok(accepted > 0, "no draft was right");
});
