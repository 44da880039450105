import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { EvaluateResponse } from "../../src/evaluation/schema.ts";
import { assertError } from "../support/envelope.ts";
import { json, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

const criteria = ["accuracy", "clarity", "reasoning", "factuality", "overall"];
const pair = { prompt: "What is two plus two?", response: "Four." };

function assertScores(answer: EvaluateResponse, asked: readonly string[]): void {
  assert.deepEqual(
    answer.scores.map(({ criterion }) => criterion),
    asked,
  );
  for (const { score, rationale } of answer.scores) {
    assert.ok(Number.isInteger(score) && score >= 1 && score <= 10, String(score));
    assert.ok(rationale.length > 0 && rationale.length <= 240, JSON.stringify(rationale));
    assert.ok(rationale.isWellFormed());
  }
}

for (const path of ["/evaluate", "/v1/evaluate"]) {
  test(`${path} scores all criteria, in the order asked for`, async () => {
    for (const asked of [criteria, [...criteria].reverse()]) {
      const response = await server.post(path, { ...pair, criteria: asked });
      assert.equal(response.status, 200);
      const answer = await json<EvaluateResponse>(response);
      assertScores(answer, asked);
      assert.equal(answer.request_id, response.headers.get("x-request-id"));
      assert.ok(Number.isInteger(answer.latency_ms));
    }
  });
}

for (const criterion of criteria) {
  test(`${criterion} can be asked for alone`, async () => {
    const answer = await json<EvaluateResponse>(server.post("/evaluate", { ...pair, criteria: [criterion] }));
    assertScores(answer, [criterion]);
  });
}

test("without criteria the response is scored overall", async () => {
  assertScores(await json<EvaluateResponse>(server.post("/evaluate", pair)), ["overall"]);
});

test("a judgement is the same every time", async () => {
  const [first, second] = [
    await json<EvaluateResponse>(server.post("/evaluate", pair)),
    await json<EvaluateResponse>(server.post("/evaluate", pair)),
  ];
  assert.deepEqual(first.scores, second.scores);
});

test("whatever is judged, the judgement parses", async () => {
  // Quotes, backslashes, JSON, control characters and letters of many scripts, as they would upset a form.
  const troublesome = fc.constantFrom(
    '"',
    "\\",
    '"}',
    "\n",
    "\t",
    "{",
    "\u{1F600}",
    "\u00e9",
    "score",
    "<s>",
  );
  const text = fc
    .array(fc.oneof(troublesome, fc.string({ unit: "grapheme", maxLength: 4 })), {
      minLength: 1,
      maxLength: 6,
    })
    .map((parts) => `x${parts.join("").replaceAll("\0", "")}`);
  await fc.assert(
    fc.asyncProperty(text, text, fc.constantFrom(...criteria), async (prompt, response, criterion) => {
      const reply = await server.post("/evaluate", { prompt, response, criteria: [criterion] });
      assert.equal(reply.status, 200, await reply.clone().text());
      assertScores(await json<EvaluateResponse>(reply), [criterion]);
    }),
    { numRuns: 30 },
  );
});

test("criteria asked for twice are refused", async () => {
  const response = await server.post("/evaluate", { ...pair, criteria: ["clarity", "clarity"] });
  await assertError(response, { status: 400, code: "invalid_request", param: "criteria" });
});

test("an unknown criterion is refused with the list of known ones", async () => {
  const response = await server.post("/evaluate", { ...pair, criteria: ["beauty"] });
  const { error } = await assertError(response, {
    status: 400,
    code: "invalid_request",
    param: "criteria[0]",
  });
  for (const criterion of criteria) assert.ok(error.message.includes(criterion), error.message);
});

test("what is too long to be judged is refused, not cut", async () => {
  const response = await server.post("/evaluate", { ...pair, response: "a long answer ".repeat(200) });
  await assertError(response, { status: 400, code: "context_length_exceeded" });
});
