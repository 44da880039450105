import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatResponse } from "../../../src/features/chat/schema.ts";
import { assertError, assertNoStack } from "../../support/envelope.ts";
import { rawPost, sendRaw } from "../../support/raw-http.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", BODY_LIMIT: "1MiB" } });
});
after(() => server[Symbol.asyncDispose]());

const invalid = { status: 400, code: "invalid_request" } as const;
const small = { prompt: "Once", raw: true, max_new_tokens: 1 };

for (const [name, body] of [
  ["not JSON", "{prompt: 1}"],
  ["cut off", '{"prompt": "a'],
  ["empty", ""],
  ["an array", "[]"],
  ["a string", '"prompt"'],
  ["a number", "1"],
  ["null", "null"],
  ["nested without end", "[".repeat(100_000)],
  ["nested deeply", `{"prompt":"a","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
] as const) {
  test(`a body that is ${name} is answered in the envelope`, async () => {
    await assertError(await server.post("/chat", body), invalid);
  });
}

test("brackets in text are not nesting", async () => {
  const prompt = `${"[{".repeat(2000)}\\"${"[".repeat(10)}`;
  const response = await server.post("/chat", { ...small, prompt: "Once", unknown: prompt });
  assert.equal(response.status, 200);
});

test("keys that name a prototype are unknown fields, and change nothing", async () => {
  for (const body of [
    '"__proto__":{"max_new_tokens":1}',
    '"constructor":{"prototype":{"polluted":true}}',
    '"x":[{"__proto__":{"polluted":true}}]',
  ].map((field) => `{"prompt":"What is a token?","temperature":0,${field}}`)) {
    const answer = await server.post("/chat", body);
    assert.equal(answer.status, 200);
    assert.ok(((await answer.json()) as ChatResponse).completion_tokens > 1);
  }
});

test("a byte order mark before a body is not part of it", async () => {
  assert.equal((await server.post("/chat", `\uFEFF${JSON.stringify(small)}`)).status, 200);
});

test("unknown fields are ignored", async () => {
  const answer = await server.post("/chat", { ...small, unknown: { deep: [1] }, tools: "x" });
  assert.equal(answer.status, 200);
});

test("bytes that are not UTF-8 are refused", async () => {
  const body = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  const response = await sendRaw(server, rawPost("/chat", body));
  assert.equal(response.status, 400);
  assert.match(JSON.parse(response.body).error.message, /UTF-8/);
});

test("a content type other than JSON is 415", async () => {
  for (const type of ["text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"]) {
    const response = await fetch(`${server.url}/chat`, {
      method: "POST",
      headers: { "content-type": type },
      body: "{}",
    });
    await assertError(response, { status: 415, code: "unsupported_media_type" });
  }
});

test("JSON with a charset, and no body at all, are told apart", async () => {
  const headers = { "content-type": "application/json; charset=utf-8" };
  assert.equal((await server.post("/chat", small, headers)).status, 200);
  await assertError(await fetch(`${server.url}/chat`, { method: "POST" }), invalid);
});

test("a body over the limit is 413 with the limit, which a client that is still sending reads", async () => {
  for (const mebibytes of [1, 3.5]) {
    const response = await server.post("/chat", { ...small, padding: "x".repeat(mebibytes * 2 ** 20) });
    const { error } = await assertError(response, { status: 413, code: "payload_too_large" });
    assert.match(error.message, /1048576 bytes/);
    assert.notEqual(response.headers.get("connection"), "close");
  }
  assert.equal((await server.get("/healthz")).status, 200);
});

test("a prompt longer than the context window is refused with the arithmetic", async () => {
  const prompt = "Once upon a time ".repeat(200);
  const response = await server.post("/chat", { ...small, prompt, max_new_tokens: 7 });
  const { error } = await assertError(response, {
    status: 400,
    code: "context_length_exceeded",
    param: "prompt",
  });
  const details = error.details as Record<string, number> & { hint: string };
  assert.ok((details["prompt_tokens"] ?? 0) > 512);
  assert.equal(details["max_new_tokens"], 7);
  assert.equal(details["context_window"], 512);
  assert.equal(details["total_tokens_requested"], (details["prompt_tokens"] ?? 0) + 7);
  assert.match(details.hint, /Shorten the prompt/);
});

test("a prompt that fits but leaves too little room is refused, and one token less is served", async () => {
  const { prompt_tokens } = await json<ChatResponse>(server.post("/chat", small));
  const over = await server.post("/chat", { ...small, max_new_tokens: 512 - prompt_tokens + 1 });
  await assertError(over, { status: 400, code: "context_length_exceeded", param: "max_new_tokens" });
  const fits = await server.post("/chat", {
    ...small,
    max_new_tokens: 512 - prompt_tokens,
    temperature: 0,
  });
  assert.equal(fits.status, 200);
  assert.ok((await json<ChatResponse>(fits)).total_tokens <= 512);
});

test("a stream's refusal is an ordinary error answer", async () => {
  const response = await server.post("/chat", { ...small, stream: true, max_new_tokens: 600 });
  await assertError(response, { status: 400, code: "context_length_exceeded" });
});

test("the longest prompt allowed passes validation, one character more does not", async () => {
  await assertError(await server.post("/chat", { ...small, prompt: "\u00e9".repeat(200_000) }), {
    status: 400,
    code: "context_length_exceeded",
  });
  // Characters, not bytes or UTF-16 units.
  const { error } = await assertError(
    await server.post("/chat", { ...small, prompt: "\u{1F600}".repeat(200_001) }),
    { ...invalid, param: "prompt" },
  );
  assert.match(error.message, /200000/);
});

test("a thousand mistakes are answered with a short list", async () => {
  const response = await server.post("/v1/embeddings", { model: "m", input: Array(20_000).fill({}) });
  const text = await response.text();
  assert.equal(response.status, 400);
  assert.ok(text.length < 20_000, `${text.length} characters`);
  assertNoStack(text);
});

test("what is wrong with a field reads as a sentence", async () => {
  for (const [body, message] of [
    [{ input: [] }, "input must have at least 1 item"],
    [{ input: "" }, "input must have at least 1 character"],
    [{ input: "a", dimensions: 1.5 }, "dimensions must be an integer or null"],
    [{ input: "a", encoding_format: "hex" }, "encoding_format must be one of float, base64, null"],
  ] as const) {
    const { error } = await assertError(await server.post("/v1/embeddings", body), invalid);
    assert.equal(error.message, message);
  }
});
