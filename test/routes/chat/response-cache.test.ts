import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatResponse } from "../../../src/features/chat/schema.ts";
import { chat, greedy, streamedChat } from "../../support/chat.ts";
import { json, metric, readEvents, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { RESPONSE_CACHE_TTL: "600", MODEL_NAME: "builtin" } });
});
after(() => server[Symbol.asyncDispose]());

const short = { ...greedy, max_new_tokens: 12 };
const generations = () => metric(server, "inference_generations_total");
/** A prompt that no other test has asked for. */
let asked = 0;
const fresh = () => ({ ...short, prompt: `Once upon a time, ${++asked}` });

test("a greedy request's second answer is its first one, marked as such, and costs no generation", async () => {
  const body = fresh();
  const first = await chat(server, body);
  const before = await generations();
  const response = await server.post("/v1/chat", body);
  assert.equal(response.headers.get("x-cache"), "hit");
  const second = await json<ChatResponse>(response);
  assert.equal(first.cached, false);
  assert.equal(second.cached, true);
  const facts = ({ response, prompt_tokens, completion_tokens, finish_reason }: ChatResponse) => ({
    response,
    prompt_tokens,
    completion_tokens,
    finish_reason,
  });
  assert.deepEqual(facts(second), facts(first));
  assert.notEqual(second.request_id, first.request_id);
  assert.equal(await generations(), before);
  assert.equal(await metric(server, "cache_hits_total"), 1);
});

test("a cached answer tells its own times, which add up", async () => {
  const body = fresh();
  await chat(server, body);
  const { cached, latency_ms, timings } = await chat(server, body);
  assert.equal(cached, true);
  assert.equal(timings.prefill_ms, 0);
  assert.equal(timings.decode_ms, 0);
  assert.equal(timings.decode_tokens_per_second, 0);
  assert.equal(timings.time_to_first_token_ms, timings.queue_ms);
  assert.ok(timings.queue_ms > 0);
  assert.equal(latency_ms, Math.round(timings.queue_ms));
});

test("a request whose outcome is open is computed each time", async () => {
  const body = { ...fresh(), temperature: 0.7 };
  for (let time = 0; time < 2; time++) {
    const response = await server.post("/chat", body);
    assert.equal(response.headers.get("x-cache"), null);
    assert.equal((await json<ChatResponse>(response)).cached, false);
  }
});

test("a seed fixes the outcome too, and another seed is another request", async () => {
  const body = { ...fresh(), temperature: 0.7, seed: 1 };
  assert.equal((await chat(server, body)).cached, false);
  assert.equal((await chat(server, body)).cached, true);
  assert.equal((await chat(server, { ...body, seed: 2 })).cached, false);
});

test("whatever determines the answer makes another request, and nothing else does", async () => {
  const body = fresh();
  await chat(server, body);
  for (const change of [
    { prompt: `${body.prompt}.` },
    { raw: false },
    { max_new_tokens: 11 },
    { stop: "the" },
    { repeat_penalty: 1.1 },
    { top_k: 3 },
  ])
    assert.equal((await chat(server, { ...body, ...change })).cached, false, JSON.stringify(change));
  for (const change of [{ seed: 5 }, { unknown: 1 }, { mode: "single" }])
    assert.equal((await chat(server, { ...body, ...change })).cached, true, JSON.stringify(change));
});

test("a stream may come from the cache, and fills it", async () => {
  const body = fresh();
  const first = await streamedChat(server, body);
  assert.equal(first.answer.cached, false);
  const second = await streamedChat(server, body);
  assert.equal(second.answer.cached, true);
  assert.equal(second.pieces.join(""), first.pieces.join(""));
  assert.equal((await chat(server, body)).cached, true);
});

test("refine is cached when each of its passes is", async () => {
  const body = { ...fresh(), mode: "refine" };
  const open = await chat(server, body);
  assert.equal(open.cached, false);
  assert.equal((await chat(server, body)).cached, false, "its critique is drawn at a temperature");
  const fixed = { ...body, critique_temperature: 0 };
  const first = await chat(server, fixed);
  const second = await chat(server, fixed);
  assert.equal(second.cached, true);
  assert.equal(second.response, first.response);
  assert.equal(second.critique, first.critique);
  assert.equal(second.completion_tokens, first.completion_tokens);
});

interface Completion {
  readonly id: string;
  readonly cached?: boolean;
  readonly choices: unknown;
  readonly usage: object;
}

for (const [path, fields] of [
  ["/v1/chat/completions", { messages: [{ role: "user", content: "What is a tokenizer?" }] }],
  ["/v1/completions", { prompt: "Once upon a time" }],
] as const) {
  test(`${path} is cached and marked likewise, whole and as a stream`, async () => {
    const body = { model: "builtin", max_tokens: 9, n: 2, ...fields };
    const fixed = { ...body, temperature: 0 };
    const ask = (more: object) => server.post(path, more);
    const first = await json<Completion>(ask(fixed));
    const response = await ask(fixed);
    const second = await json<Completion>(response);
    assert.equal(first.cached, undefined);
    assert.equal(second.cached, true);
    assert.equal(response.headers.get("x-cache"), "hit");
    assert.deepEqual(second.choices, first.choices);
    assert.notEqual(second.id, first.id);
    const marks: unknown[] = [];
    for await (const event of readEvents(await ask({ ...fixed, stream: true })))
      if (event !== "[DONE]") marks.push(JSON.parse(event).cached);
    assert.equal(marks.filter((mark) => mark === true).length, 2, "the last chunk of each choice");
    for (const open of [body, { ...fixed, logprobs: path === "/v1/completions" ? 1 : true }]) {
      await json(ask(open));
      assert.equal((await json<Completion>(ask(open))).cached, undefined, JSON.stringify(open));
    }
  });
}

test("judging is not cached", async () => {
  const body = { prompt: "What is 2 + 2?", response: "4" };
  await json(server.post("/evaluate", body));
  const before = await generations();
  await json(server.post("/evaluate", body));
  assert.ok((await generations()) > before);
});

test("nothing is cached unless it is asked for", async () => {
  await using plain = await startServer();
  await chat(plain, short);
  assert.equal((await chat(plain, short)).cached, false);
  assert.equal(await metric(plain, "cache_misses_total"), 0);
  assert.equal((await json<{ cache: string }>(plain.get("/readyz"))).cache, "memory");
});
