import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import type { EmbeddingsAnswer } from "../../../src/dialects/openai/embeddings/schema.ts";
import { assertError } from "../../support/envelope.ts";
import { embeddingPid, skipWithoutProc } from "../../support/processes.ts";
import { json, metric, startServer, type TestServer, until } from "../../support/server.ts";

let server: TestServer;
let client: OpenAI;
before(async () => {
  server = await startServer({
    env: { MODEL_ALIASES: "text-embedding-3-small=universal-sentence-encoder-lite" },
    waitUntilReady: false,
  });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
});
after(() => server[Symbol.asyncDispose]());

const model = "universal-sentence-encoder-lite";

async function embed(body: object): Promise<EmbeddingsAnswer> {
  const response = await server.post("/v1/embeddings", body);
  assert.equal(response.status, 200, await response.clone().text());
  return json<EmbeddingsAnswer>(response);
}

function vectorOf(answer: EmbeddingsAnswer, index = 0): number[] {
  const vector = answer.data[index]?.embedding;
  assert.ok(Array.isArray(vector));
  return vector;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

test("a text's vector has the model's dimensions and length 1, and its tokens are counted", async () => {
  const answer = await embed({ input: "hello world" });
  assert.equal(answer.object, "list");
  assert.equal(answer.model, model);
  assert.deepEqual(answer.usage, { input_tokens: 3, prompt_tokens: 3, total_tokens: 3 });
  assert.ok(answer.request_id);
  const vector = vectorOf(answer);
  assert.equal(vector.length, 512);
  assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
});

test("the openai client gets the same vectors as base64 and as numbers, in the order of its inputs", async () => {
  const input = [
    "How do I rotate an API key?",
    "The weather is fine.",
    "Keys can be replaced in the settings.",
  ];
  const coded = await client.embeddings.create({ model, input });
  const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
  assert.equal(coded.data.length, 3);
  for (const [index, { embedding, index: own }] of coded.data.entries()) {
    assert.equal(own, index);
    assert.deepEqual(embedding, plain.data[index]?.embedding);
  }
  const [question, weather, answer] = plain.data.map(({ embedding }) => embedding) as [
    number[],
    number[],
    number[],
  ];
  assert.ok(cosine(question, answer) > cosine(question, weather) + 0.2);
});

test("a vector does not depend on what is embedded with it", async () => {
  const texts = ["one", "a somewhat longer text about nothing in particular", "three little words"];
  const together = await embed({ input: texts });
  for (const [index, input] of texts.entries()) {
    const alone = vectorOf(await embed({ input }));
    const beside = vectorOf(together, index);
    assert.ok(alone.every((value, i) => Math.abs(value - (beside[i] as number)) < 1e-5));
  }
});

test("as many inputs as OpenAI takes are answered, one more is refused", async () => {
  const input = Array.from({ length: 2048 }, (_, index) => `text ${index}`);
  const answer = await client.embeddings.create({ model, input });
  assert.equal(answer.data.length, 2048);
  assert.ok(answer.data.every(({ embedding }) => embedding.length === 512));
  await assertError(await server.post("/v1/embeddings", { input: [...input, "one more"] }), {
    status: 400,
    code: "invalid_request",
    param: "input",
  });
});

test("a text over the model's window is refused by its index and never cut", async () => {
  const fits = "cat ".repeat(128).trim();
  assert.equal((await embed({ input: fits })).usage.prompt_tokens, 128);
  const { error } = await assertError(
    await server.post("/v1/embeddings", { input: ["short", fits, `${fits} cat`] }),
    { status: 400, code: "context_length_exceeded", param: "input[2]" },
  );
  assert.deepEqual(
    [error.details?.["index"], error.details?.["prompt_tokens"], error.details?.["context_window"]],
    [2, 129, 128],
  );
  await assertError(await server.post("/v1/embeddings", { input: `${fits} cat` }), {
    status: 400,
    code: "context_length_exceeded",
    param: "input",
  });
});

test("tokens of the model's own vocabulary stand for their text, others are refused", async () => {
  const tokens = [2002, 102, 311];
  assert.deepEqual(vectorOf(await embed({ input: tokens })), vectorOf(await embed({ input: "hello world" })));
  const lists = await embed({ input: [tokens, [1163]] });
  assert.equal(lists.data.length, 2);
  const { error } = await assertError(
    await server.post("/v1/embeddings", { input: [tokens, [15339, 1917]] }),
    {
      status: 400,
      code: "invalid_request",
      param: "input[1]",
    },
  );
  assert.match(error.message, /vocabulary/);
  // Who sends tokens to a model of OpenAI's name means OpenAI's tokens.
  const strange = { model: "text-embedding-3-small", input: [[1985]] };
  const refused = await assertError(await server.post("/v1/embeddings", strange), {
    status: 400,
    code: "invalid_request",
    param: "input",
  });
  assert.match(refused.error.message, /check_embedding_ctx_length=False/);
});

const wrong: ReadonlyArray<readonly [param: string, body: object]> = [
  ["input", {}],
  ["input", { input: "" }],
  ["input", { input: [] }],
  ["input", { input: 7 }],
  ["input[1]", { input: ["a", ""] }],
  ["input[1]", { input: ["a", 7] }],
  ["input[1]", { input: ["a", ["b"]] }],
  ["input[1]", { input: [[1], "a"] }],
  ["input[0]", { input: ["\ud800"] }],
  ["input[0]", { input: [[]] }],
  ["encoding_format", { input: "a", encoding_format: "hex" }],
  ["dimensions", { input: "a", dimensions: 0 }],
  ["dimensions", { input: "a", dimensions: 256 }],
  ["normalize", { input: "a", normalize: 1 }],
  ["model", { input: "a", model: 7 }],
];
for (const [param, body] of wrong) {
  test(`${JSON.stringify(body)} is refused, naming ${param}`, async () => {
    await assertError(await server.post("/v1/embeddings", body), {
      status: 400,
      code: "invalid_request",
      param,
    });
  });
}

test("the model's own name and its aliases are served, others are not found", async () => {
  for (const name of [model, "text-embedding-3-small"])
    assert.equal((await embed({ input: "a", model: name, dimensions: 512 })).model, name);
  await assert.rejects(client.embeddings.create({ model: "text-embedding-ada-002", input: "a" }), {
    status: 404,
  });
});

test("vectors that are not to be normalised are as long as the network makes them, which is 1", async () => {
  const [plain, raw] = await Promise.all([
    embed({ input: "hello world" }),
    embed({ input: "hello world", normalize: false }),
  ]);
  assert.ok(vectorOf(plain).every((value, i) => Math.abs(value - (vectorOf(raw)[i] as number)) < 1e-6));
});

test("a key is needed", async () => {
  await assertError(await server.post("/v1/embeddings", { input: "a" }, {}), {
    status: 401,
    code: "unauthorized",
  });
});

test("texts, tokens and time are counted", async () => {
  const before = await metric(server, "embedding_tokens_total");
  await embed({ input: ["hello world", "hello world"] });
  assert.equal((await metric(server, "embedding_tokens_total")) - before, 6);
  assert.ok((await metric(server, "embedding_duration_ms_count")) > 0);
});

test("kill -9 of the embedding process fails what it had with a retriable 503, and the next request works", {
  skip: skipWithoutProc,
}, async () => {
  const before = await json<EmbeddingsAnswer>(server.post("/v1/embeddings", { input: "hello world" }));
  const pid = embeddingPid(server);
  process.kill(pid, "SIGSTOP");
  const pending = server.post("/v1/embeddings", { input: ["never seen before", "nor this"] });
  await until(async () => (await metric(server, "embedding_queue_texts")) === 2);
  process.kill(pid, "SIGKILL");
  const response = await pending;
  assert.ok(Number(response.headers.get("retry-after")) >= 1);
  const { error } = await assertError(response, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "engine_failed");
  await until(async () => (await server.post("/v1/embeddings", { input: "something new" })).status === 200);
  assert.equal(await metric(server, "embedding_restarts_total"), 1);
  const after = await json<EmbeddingsAnswer>(server.post("/v1/embeddings", { input: "hello world" }));
  assert.deepEqual(after.data, before.data);
});

test("a client that leaves takes its texts with it", { skip: skipWithoutProc }, async () => {
  await embed({ input: "wake up" });
  const pid = embeddingPid(server);
  process.kill(pid, "SIGSTOP");
  const controller = new AbortController();
  const left = fetch(`${server.url}/v1/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "dev-local-key" },
    body: JSON.stringify({ input: ["text without a reader", "and another"] }),
    signal: controller.signal,
  });
  await until(async () => (await metric(server, "embedding_queue_texts")) === 2);
  controller.abort();
  await assert.rejects(left);
  await until(async () => (await metric(server, "embedding_queue_texts")) === 0);
  process.kill(pid, "SIGCONT");
  await embed({ input: "still here" });
});

test("more texts than the queue holds are refused, retriable, while others wait", {
  skip: skipWithoutProc,
}, async () => {
  await using small = await startServer({ env: { EMBEDDING_MAX_QUEUE: "4" }, waitUntilReady: false });
  const send = (input: readonly string[]) => small.post("/v1/embeddings", { input });
  assert.equal((await send(["alone", "a request", "may be", "larger", "than the queue"])).status, 200);
  const pid = embeddingPid(small);
  process.kill(pid, "SIGSTOP");
  const waiting = send(["one", "two", "three"]);
  await until(async () => (await metric(small, "embedding_queue_texts")) === 3);
  const refused = await send(["four", "five"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  const { error } = await assertError(refused, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "queue_full");
  process.kill(pid, "SIGCONT");
  assert.equal((await waiting).status, 200);
});

test("the process starts with the first request, and readiness says how it is", async () => {
  await using fresh = await startServer();
  const state = async () =>
    await json<{ embeddings: { state: string }; reranker: { state: string } }>(fresh.get("/readyz"));
  assert.equal((await state()).embeddings.state, "idle");
  assert.equal((await fresh.post("/v1/embeddings", { input: "a" })).status, 200);
  assert.equal((await state()).embeddings.state, "ready");
  assert.equal((await state()).reranker.state, "none");
  await assertError(await fresh.post("/v1/rerank", { query: "a", documents: ["b"] }), {
    status: 501,
    code: "not_implemented",
  });
});

test("an embedding model that can't be had leaves the rest of the server as it is", async () => {
  await using other = await startServer({ env: { EMBEDDING_MODEL: "./nowhere.gguf" } });
  const { error } = await assertError(await other.post("/v1/embeddings", { input: "a" }), {
    status: 503,
    code: "service_unavailable",
  });
  assert.equal(error.details?.["reason"], "model_unavailable");
  assert.match(error.message, /nowhere\.gguf/);
  const ready = await json<{ status: string; embeddings: object }>(other.get("/readyz"));
  assert.equal(ready.status, "ready");
  assert.match(JSON.stringify(ready.embeddings), /"failed".*nowhere/);
});
