import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertError } from "../support/envelope.ts";
import { KEY, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ waitUntilReady: false });
});
after(() => server[Symbol.asyncDispose]());

interface Case {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** Bodies (or, for GET, query strings) that are wrong, by the field at fault. */
  readonly wrong?: Readonly<Record<string, unknown>>;
}

const batch = { dataset_id: "ds_1", criteria: ["overall"] };
const messages = [{ role: "user", content: "a" }];

const cases: readonly Case[] = [
  {
    method: "POST",
    path: "/v1/batch-evals",
    body: { ...batch, concurrency: 4, generation: { temperature: 0, seed: 42 } },
    wrong: {
      dataset_id: { criteria: ["overall"] },
      criteria: { ...batch, criteria: [] },
      concurrency: { ...batch, concurrency: 0 },
      "generation.top_p": { ...batch, generation: { top_p: 2 } },
    },
  },
  { method: "GET", path: "/v1/batch-evals" },
  { method: "GET", path: "/v1/batch-evals/run_1" },
  { method: "POST", path: "/v1/batch-evals/run_1/cancel" },
  { method: "GET", path: "/v1/batch-evals/run_1/events" },
  { method: "GET", path: "/v1/batch-evals/run_1/result" },
  { method: "GET", path: "/v1/batch-evals/run_1/distribution?criterion=overall" },
  { method: "GET", path: "/v1/batch-evals/run_1/failures" },
  { method: "GET", path: "/v1/batch-evals/run_1/records" },
  { method: "GET", path: "/v1/batch-evals/run_1/artifacts/export?format=csv" },
  { method: "POST", path: "/v1/embeddings", body: { input: "a" }, wrong: { input: {} } },
  { method: "POST", path: "/v1/rerank", body: { query: "a", documents: ["b"] } },
  { method: "GET", path: "/v1/datasets" },
  { method: "GET", path: "/v1/datasets/ds_1" },
  { method: "GET", path: "/v1/rag/indexes/ds_1" },
  {
    method: "POST",
    path: "/v1/rag/query",
    body: { dataset_id: "ds_1", query: "a" },
    wrong: { query: { dataset_id: "ds_1" }, top_k: { dataset_id: "ds_1", query: "a", top_k: 51 } },
  },
  { method: "GET", path: "/v1/models" },
  { method: "GET", path: "/v1/models/m" },
  {
    method: "POST",
    path: "/v1/chat/completions",
    body: { model: "m", messages },
    wrong: { messages: { model: "m", messages: [] }, model: { model: 1, messages } },
  },
  {
    method: "POST",
    path: "/v1/completions",
    body: { model: "m", prompt: "a" },
    wrong: { prompt: { model: "m" } },
  },
  {
    method: "POST",
    path: "/v1/responses",
    body: { model: "m", input: "a" },
    wrong: { input: { model: "m" } },
  },
];

async function call({ method, path }: Case, body: unknown, headers = KEY as Record<string, string>) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  return fetch(server.url + path, { method, headers: { ...headers, ...type }, ...init });
}

for (const one of cases) {
  const name = `${one.method} ${one.path}`;
  test(`${name} asks for a key before anything else`, async () => {
    await assertError(await call(one, one.body, {}), { status: 401, code: "unauthorized" });
  });

  for (const [param, body] of Object.entries(one.wrong ?? {})) {
    test(`${name} validates ${param} first`, async () => {
      await assertError(await call(one, body), { status: 400, code: "invalid_request", param });
    });
  }
}

for (const path of ["/v1/batch-evals", "/v1/batch-evals/r/failures"]) {
  test(`GET ${path} takes a page of 1 to 100, written as a query string writes it`, async () => {
    for (const limit of ["1", "100"]) {
      const response = await server.get(`${path}?limit=${limit}`);
      assert.notEqual(response.status, 400, await response.text());
    }
    for (const limit of ["0", "101", "1.5", "x"]) {
      const response = await server.get(`${path}?limit=${limit}`);
      await assertError(response, { status: 400, code: "invalid_request", param: "limit" });
    }
  });
}
