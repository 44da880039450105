import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { judgeTemplate } from "../../../src/features/evaluation/judge-prompt.ts";
import type { EvaluateResponse } from "../../../src/features/evaluation/schema.ts";
import { assertError } from "../../support/envelope.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

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
  const given = ({ scores }: EvaluateResponse) => scores.map(({ score, rationale }) => [score, rationale]);
  assert.deepEqual(given(first), given(second));
  const [expected, again] = [first.scores[0]?.score_expected, second.scores[0]?.score_expected];
  // The second time the prompt comes from the cache, whose keys were rounded in a batch of another shape.
  assert.ok(Math.abs((expected ?? Number.NaN) - (again ?? Number.NaN)) < 0.1, `${expected} ${again}`);
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

test("an evaluation tells who judged, by which prompt, at what cost, and where the time went", async () => {
  const answer = await json<EvaluateResponse>(server.post("/evaluate", { ...pair, criteria }));
  assert.deepEqual(answer.judge, {
    model: answer.model,
    template: judgeTemplate.version,
    template_hash: judgeTemplate.sha256,
  });
  for (const { score_expected } of answer.scores)
    assert.ok(score_expected !== null && score_expected >= 1 && score_expected <= 10);
  const { usage, timings } = answer;
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.ok(usage.cached_prompt_tokens > 0 && usage.cached_prompt_tokens < usage.prompt_tokens);
  assert.ok(timings !== undefined);
  const parts = timings.queue_ms + timings.prefill_ms + timings.decode_ms;
  assert.ok(Math.abs(parts - answer.latency_ms) <= 1, `${parts} is not ${answer.latency_ms}`);
});

test("a reference is shown to the judge", async () => {
  const without = await json<EvaluateResponse>(server.post("/evaluate", pair));
  const withReference = await json<EvaluateResponse>(server.post("/evaluate", { ...pair, reference: "4" }));
  assert.ok(withReference.usage.prompt_tokens > without.usage.prompt_tokens);
});

describe("metrics beside the judge", () => {
  test("are told by name, each with what it was made of", async () => {
    const asked = {
      exact_match: {},
      token_f1: {},
      regex: { pattern: "^four", flags: "i" },
      embedding_similarity: {},
    };
    const answer = await json<EvaluateResponse>(
      server.post("/evaluate", { ...pair, reference: "It is four.", metrics: asked }),
    );
    assert.deepEqual(Object.keys(answer.metrics ?? {}), Object.keys(asked));
    assert.deepEqual(answer.metrics?.["exact_match"], { value: 0, details: {} });
    assert.deepEqual(answer.metrics?.["token_f1"], { value: 0.5, details: { precision: 1, recall: 1 / 3 } });
    assert.deepEqual(answer.metrics?.["regex"], { value: 1, details: { groups: [] } });
    const similarity = answer.metrics?.["embedding_similarity"]?.value ?? 0;
    assert.ok(similarity > 0 && similarity < 1, String(similarity));
  });

  const wrong: ReadonlyArray<readonly [string, object, string]> = [
    ["an unknown metric", { bleu: {} }, "metrics.bleu"],
    ["an unknown option", { chrf: { gamma: 1 } }, "metrics.chrf.gamma"],
    ["an option out of range", { chrf: { order: 0 } }, "metrics.chrf.order"],
    ["a pattern that can't be read", { regex: { pattern: "(" } }, "metrics.regex.pattern"],
    ["a pattern that never ends", { regex: { pattern: "^(.*.*.*.*.*.*)*x$" } }, "metrics.regex.pattern"],
    ["a missing pattern", { regex: {} }, "metrics.regex.pattern"],
    ["a missing reference", { token_f1: {} }, "reference"],
  ];
  for (const [name, asked, param] of wrong) {
    test(`${name} is an error that names it`, async () => {
      const response = await server.post("/evaluate", { ...pair, response: "y".repeat(300), metrics: asked });
      await assertError(response, { status: 400, code: "invalid_request", param });
    });
  }
});
