import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { EmbeddingsAnswer } from "../../../src/dialects/openai/embeddings/schema.ts";
import type { RerankAnswer } from "../../../src/dialects/rerank/schema.ts";
import { bertInput, bertPair, bertReference, makeBert, type TestBert } from "../../support/bert.ts";
import { assertError } from "../../support/envelope.ts";
import { FakeHub } from "../../support/fake-hub.ts";
import { json, startServer, type TestServer, until } from "../../support/server.ts";

let directory: string;
let embedder: TestBert;
let reranker: TestBert;
let server: TestServer;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  embedder = await makeBert(join(directory, "tiny-bert.gguf"), { pooling: "mean" });
  reranker = await makeBert(join(directory, "tiny-reranker.gguf"), { pooling: "rank" });
  server = await startServer({
    env: {
      EMBEDDING_MODEL: embedder.path,
      RERANK_MODEL: reranker.path,
      MODEL_ALIASES: "text-embedding-3-small=tiny-bert",
    },
    waitUntilReady: false,
  });
  await until(async () => (await server.post("/v1/embeddings", { input: "a" })).status === 200);
  await until(async () => (await server.post("/v1/rerank", { query: "a", documents: ["b"] })).status === 200);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const documents = ["hello world", "keys rotate in the settings.", "it is 20 degrees outside"];

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

test("EMBEDDING_MODEL's vectors are its network's, of length 1 or as long as it makes them", async () => {
  const expected = bertReference(embedder, bertInput("hello world"));
  for (const normalize of [true, false]) {
    const answer = await json<EmbeddingsAnswer>(
      server.post("/v1/embeddings", { input: "hello world", model: "text-embedding-3-small", normalize }),
    );
    assert.equal(answer.model, "text-embedding-3-small");
    assert.equal(answer.usage.prompt_tokens, 12);
    const vector = answer.data[0]?.embedding as number[];
    const wanted = normalize ? unit(expected) : expected;
    assert.ok(wanted.every((value, i) => Math.abs(value - (vector[i] as number)) < 3e-3));
  }
});

test("the model is found by its file's name and by the setting, and by no other", async () => {
  for (const model of ["tiny-bert", embedder.path])
    assert.equal((await server.post("/v1/embeddings", { input: "a", model })).status, 200);
  await assertError(
    await server.post("/v1/embeddings", { input: "a", model: "universal-sentence-encoder-lite" }),
    {
      status: 404,
      code: "not_found",
      param: "model",
    },
  );
});

test("tokens are refused where the tokenizer can't turn them back into text", async () => {
  const { error } = await assertError(await server.post("/v1/embeddings", { input: [7, 8] }), {
    status: 400,
    code: "invalid_request",
    param: "input",
  });
  assert.match(error.message, /Send text/);
});

test("documents are ordered by their relevance, with their places and, when asked for, their texts", async () => {
  const query = "what is it?";
  const expected = documents
    .map((text, index) => ({
      index,
      score: 1 / (1 + Math.exp(-(bertReference(reranker, bertPair(query, text))[0] as number))),
    }))
    .toSorted((a, b) => b.score - a.score);
  const answer = await json<RerankAnswer>(
    server.post("/v1/rerank", { query, documents: [documents[0], { text: documents[1] }, documents[2]] }),
  );
  assert.equal(answer.model, "tiny-reranker");
  assert.deepEqual(
    answer.results.map(({ index }) => index),
    expected.map(({ index }) => index),
  );
  for (const [rank, { relevance_score, document }] of answer.results.entries()) {
    assert.ok(Math.abs(relevance_score - (expected[rank]?.score as number)) < 1e-3);
    assert.equal(document, undefined);
  }
  const tokens = documents.reduce((sum, text) => sum + bertPair(query, text).length, 0);
  assert.deepEqual(answer.usage, { prompt_tokens: tokens, total_tokens: tokens });

  const best = await json<RerankAnswer>(
    server.post("/v1/rerank", { query, documents, top_n: 1, return_documents: true }),
  );
  assert.equal(best.results.length, 1);
  assert.deepEqual(best.results[0]?.document, { text: documents[best.results[0]?.index as number] });
});

const wrong: ReadonlyArray<readonly [param: string, body: object]> = [
  ["query", { documents: ["a"] }],
  ["query", { query: " ", documents: ["a"] }],
  ["documents", { query: "a" }],
  ["documents", { query: "a", documents: [] }],
  ["documents", { query: "a", documents: Array(1001).fill("a") }],
  ["documents[1]", { query: "a", documents: ["a", 7] }],
  ["documents[1]", { query: "a", documents: ["a", ""] }],
  ["documents[0].text", { query: "a", documents: [{ text: 7 }] }],
  ["top_n", { query: "a", documents: ["a"], top_n: 0 }],
  ["return_documents", { query: "a", documents: ["a"], return_documents: "yes" }],
];
for (const [param, body] of wrong) {
  test(`/v1/rerank refuses ${JSON.stringify(body).slice(0, 80)}, naming ${param}`, async () => {
    await assertError(await server.post("/v1/rerank", body), { status: 400, code: "invalid_request", param });
  });
}

test("a document that does not fit beside the query is refused by its place", async () => {
  const { error } = await assertError(
    await server.post("/v1/rerank", { query: "a b c", documents: ["a", "a ".repeat(70)] }),
    { status: 400, code: "context_length_exceeded", param: "documents[1]" },
  );
  assert.equal(error.details?.["context_window"], 64);
});

test("a well-known name is fetched from the repository that has it as a GGUF, and its vectors can be shortened", async (context) => {
  const hub = await FakeHub.start(context);
  hub.add("nomic-ai/nomic-embed-text-v1.5-GGUF", {
    "nomic-embed-text-v1.5.Q8_0.gguf": readFileSync(embedder.path),
  });
  await using served = await startServer({
    env: { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "", EMBEDDING_MODEL: "nomic-embed-text" },
    waitUntilReady: false,
  });
  const embed = (body: object) => served.post("/v1/embeddings", body);
  await until(async () => (await embed({ input: "a" })).status === 200);
  const whole = await json<EmbeddingsAnswer>(embed({ input: "hello world", model: "nomic-embed-text" }));
  const short = await json<EmbeddingsAnswer>(embed({ input: "hello world", dimensions: 16 }));
  const full = whole.data[0]?.embedding as number[];
  const expected = unit(full.slice(0, 16));
  const actual = short.data[0]?.embedding as number[];
  assert.equal(actual.length, 16);
  assert.ok(expected.every((value, i) => Math.abs(value - (actual[i] as number)) < 1e-6));
  await assertError(await embed({ input: "a", dimensions: 65 }), {
    status: 400,
    code: "invalid_request",
    param: "dimensions",
  });
});
