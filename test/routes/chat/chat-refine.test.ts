import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy, streamedChat } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { metric, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

const refine = {
  prompt: "Tell a story.",
  mode: "refine",
  temperature: 0,
  critique_temperature: 0,
  max_new_tokens: 8,
};

for (const steps of [1, 2, 3]) {
  test(`${steps} refine step(s) take ${1 + 2 * steps} generations, all of them in the totals`, async () => {
    const before = {
      generations: await metric(server, "inference_generations_total"),
      prompt: await metric(server, "inference_tokens_prompt_total"),
      completion: await metric(server, "inference_tokens_completion_total"),
    };
    const answer = await chat(server, { ...refine, refine_steps: steps });
    assert.equal(answer.refined, true);
    assert.equal(answer.refine_steps_used, steps);
    assert.equal(typeof answer.original_response, "string");
    assert.equal(typeof answer.critique, "string");
    const since = async (name: string, earlier: number) => (await metric(server, name)) - earlier;
    assert.equal(await since("inference_generations_total", before.generations), 1 + 2 * steps);
    assert.equal(await since("inference_tokens_prompt_total", before.prompt), answer.prompt_tokens);
    assert.equal(
      await since("inference_tokens_completion_total", before.completion),
      answer.completion_tokens,
    );
    assert.equal(answer.total_tokens, answer.prompt_tokens + answer.completion_tokens);
    const { queue_ms, prefill_ms, decode_ms } = answer.timings;
    assert.ok(Math.abs(answer.latency_ms - queue_ms - prefill_ms - decode_ms) <= 0.65 + 1e-9);
  });
}

test("later passes take the conversation before them from the cache", async () => {
  const answer = await chat(server, { ...refine, prompt: "Tell another story, of a cat." });
  assert.ok(answer.cached_prompt_tokens > 0);
  assert.ok(answer.cached_prompt_tokens < answer.prompt_tokens);
});

test("a single answer is the first draft of the refined one", async () => {
  const refined = await chat(server, { ...refine, raw: true });
  const single = await chat(server, { ...refine, mode: "single", raw: true });
  assert.equal(refined.original_response, single.response);
});

test("refine_steps without refine mode changes nothing", async () => {
  const answer = await chat(server, { ...greedy, refine_steps: 3 });
  assert.equal(answer.refined, false);
  assert.equal(answer.response, (await chat(server, greedy)).response);
});

test("only the final rewrite is streamed, and it is the response", async () => {
  const { pieces, answer } = await streamedChat(server, { ...refine, refine_steps: 2 });
  assert.equal(pieces.join(""), answer.response);
  assert.equal(answer.response, (await chat(server, { ...refine, refine_steps: 2 })).response);
});

test("a conversation that outgrows the context window is refused, not cut", async () => {
  const response = await server.post("/chat", { ...refine, refine_steps: 3, max_new_tokens: 150 });
  await assertError(response, { status: 400, code: "context_length_exceeded" });
});
