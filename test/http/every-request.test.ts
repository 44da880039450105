import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertError, assertNoStack } from "../support/envelope.ts";
import { rawGet, sendRaw } from "../support/raw-http.ts";
import { json, startServer, type TestServer, until } from "../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { LOG_LEVEL: "debug" } });
});
after(() => server[Symbol.asyncDispose]());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const small = { prompt: "Once", raw: true, max_new_tokens: 1 };

const routes: ReadonlyArray<readonly [string, () => Promise<Response>]> = [
  ["an answer", () => server.post("/chat", small)],
  ["a validation error", () => server.post("/chat", {})],
  ["a missing key", () => server.get("/v1/health", {})],
  ["an unknown route", () => server.get("/nowhere")],
  ["a wrong method", () => server.get("/chat")],
  ["the list of models", () => server.get("/v1/models")],
  ["liveness", () => server.get("/healthz")],
  ["readiness", () => server.get("/readyz")],
  ["the model", () => server.get("/model")],
];
for (const [name, call] of routes) {
  test(`${name} carries its request id in header and body, and its latency`, async () => {
    const response = await call();
    const body = await json<{ request_id: string }>(response);
    assert.match(body.request_id, uuid);
    assert.equal(response.headers.get("x-request-id"), body.request_id);
    assert.match(response.headers.get("x-latency-ms") ?? "", /^\d+$/);
  });
}

test("a client's request id of allowed characters is taken, in header, body and log line", async () => {
  const id = `Az09._:-${"x".repeat(120)}`;
  assert.equal(id.length, 128);
  const response = await server.post("/chat", small, { "x-request-id": id });
  assert.equal(response.headers.get("x-request-id"), id);
  assert.equal((await json<{ request_id: string }>(response)).request_id, id);
  await until(() => server.log.some((line) => line["request_id"] === id && line.msg === "request"));
});

for (const [name, id] of [
  ["too long", "x".repeat(129)],
  ["with a space", "a b"],
  ["with a slash", "a/b"],
  ["with a quote", 'a"b'],
  ["with a letter beyond ASCII", "caf\u00e9"],
  ["empty", ""],
] as const) {
  test(`a client's request id ${name} is replaced by a new one`, async () => {
    const response = await server.get("/healthz", { "x-request-id": id });
    assert.match(response.headers.get("x-request-id") ?? "", uuid);
  });
}

test("a stream carries the request id and latency headers, and asks proxies not to buffer", async () => {
  const response = await server.post("/chat", { ...small, stream: true }, { "x-request-id": "stream-1" });
  await response.text();
  assert.equal(response.headers.get("x-request-id"), "stream-1");
  assert.match(response.headers.get("x-latency-ms") ?? "", /^\d+$/);
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.match(response.headers.get("cache-control") ?? "", /no-cache/);
});

test("a path that is not a valid URL is a 400 in the envelope", async () => {
  const response = await sendRaw(server, rawGet("/%zz", ["x-request-id: bad-url"]));
  assert.equal(response.status, 400);
  const body = JSON.parse(response.body);
  assert.equal(body.error.code, "invalid_request");
  assert.equal(body.request_id, "bad-url");
  assert.equal(response.headers["x-request-id"], "bad-url");
  assert.match(response.headers["x-latency-ms"] ?? "", /^\d+$/);
});

test("a path parameter longer than any id is an error in the envelope", async () => {
  const response = await server.get(`/v1/datasets/${"x".repeat(300)}`);
  await assertError(response, { status: 400, code: "invalid_request" });
});

test("what is not HTTP at all is refused without a stack", async () => {
  const response = await sendRaw(server, "nonsense\r\n\r\n");
  assert.equal(response.status, 400);
  assertNoStack(response.body);
});

test("headers beyond the limit are refused", async () => {
  const response = await sendRaw(server, rawGet("/healthz", [`x-long: ${"x".repeat(20_000)}`]));
  assert.equal(response.status, 431);
});

test("an unknown path is 404, a known one with another method 405 that lists what it takes", async () => {
  await assertError(await server.get("/v2/chat"), { status: 404, code: "not_found" });
  const wrong = await fetch(`${server.url}/chat`, { method: "PUT" });
  assert.equal(wrong.headers.get("allow"), "POST");
  await assertError(wrong, { status: 405, code: "method_not_allowed" });
  const post = await server.post("/healthz", {});
  assert.equal(post.headers.get("allow"), "GET, HEAD");
  await assertError(post, { status: 405, code: "method_not_allowed" });
});

test("HEAD is answered like GET, without a body", async () => {
  // Claude Code asks for `/` before anything else.
  for (const path of ["/healthz", "/"]) {
    const response = await fetch(server.url + path, { method: "HEAD" });
    assert.equal(response.status, 200, path);
    assert.equal(await response.text(), "");
  }
});

test("each request writes one log line with its fields; probes write theirs at debug", async () => {
  await (await server.post("/chat", small, { "x-request-id": "logged" })).text();
  await (await server.get("/healthz", { "x-request-id": "probed" })).text();
  const linesOf = (id: string) =>
    server.log.filter((line) => line["request_id"] === id && line.msg === "request");
  await until(() => linesOf("logged").length > 0 && linesOf("probed").length > 0);
  const [line, ...more] = linesOf("logged");
  assert.deepEqual(more, []);
  assert.equal(line?.level, "info");
  assert.equal(line?.["method"], "POST");
  assert.equal(line?.["path"], "/chat");
  assert.equal(line?.["status"], 200);
  assert.equal(line?.["completion_tokens"], 1);
  for (const field of ["latency_ms", "queue_ms", "prefill_ms", "decode_ms", "prompt_tokens"])
    assert.equal(typeof line?.[field], "number", field);
  assert.equal(linesOf("probed")[0]?.level, "debug");
});
