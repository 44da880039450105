import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { after, before, test } from "node:test";
import { assertError } from "../support/envelope.ts";
import { json, KEY, startServer, type TestServer, until } from "../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { ALLOWED_HOSTS: "llm.example" } });
});
after(() => server[Symbol.asyncDispose]());

/** The status of a request with headers that `fetch` would not send. */
function statusOf(path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(server.url + path, { headers: { ...KEY, ...headers } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

test("a web page reaches nothing, under whatever name it has this machine's address", async () => {
  for (const host of [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
  ]) {
    for (const path of ["/v1/datasets", "/health", "/v1/models"])
      assert.equal(await statusOf(path, { host }), 403, `${host} ${path}`);
    assert.equal(await statusOf("/v1/models", { host, origin: `http://${host}` }), 403);
  }
  for (const origin of ["https://evil.example", "http://evil.example:8000", "null"])
    assert.equal(await statusOf("/v1/models", { origin }), 403, origin);
  const refused = await server.post("/chat", { prompt: "a" }, { origin: "https://evil.example" });
  await assertError(refused, { status: 403, code: "forbidden" });
});

test("programs of this machine, configured names and desktop applications are let in", async () => {
  for (const host of [
    "localhost",
    "LOCALHOST:8000",
    "app.localhost",
    "127.0.0.1:1",
    "[::1]:8000",
    "10.0.0.7",
    "llm.example:80",
  ])
    assert.equal(await statusOf("/v1/models", { host }), 200, host);
  for (const origin of [
    "http://localhost:3000",
    "http://127.0.0.1:3000",
    "https://llm.example",
    "app://obsidian.md",
  ])
    assert.equal(await statusOf("/v1/models", { origin }), 200, origin);
});

test("a body of half a million mistakes is refused by its first", async () => {
  const body = `{"prompt":"a","response":"b","criteria":[${"1,".repeat(500_000)}1]}`;
  const { error } = await assertError(await server.post("/evaluate", body, {}), {
    status: 400,
    code: "invalid_request",
  });
  assert.ok(JSON.stringify(error).length < 2_000);
});

test("JSON in a string nests no deeper than a body may", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  for (let tries = 0; tries < 15; tries++) {
    const body = { prompt: "a", response: deep, metrics: { json_schema: { schema: {} } } };
    await assertError(await server.post("/evaluate", body, {}), { status: 400, code: "invalid_request" });
  }
  assert.ok(!server.log.some(({ msg }) => msg.includes("MaxListeners")));
});

test("a schema refers to no other host, and takes no pattern from data", async (t) => {
  let asked = 0;
  const trap = createServer(() => asked++).listen(0, "127.0.0.1");
  t.after(() => trap.close());
  await once(trap, "listening");
  const { port } = trap.address() as AddressInfo;
  for (const schema of [
    { $ref: `http://127.0.0.1:${port}/x` },
    { $ref: `//127.0.0.1:${port}/x` },
    { $schema: `http://127.0.0.1:${port}/draft` },
    { $ref: `ftp://127.0.0.1:${port}/x` },
  ]) {
    const body = { prompt: "a", response: "{}", metrics: { json_schema: { schema } } };
    await assertError(await server.post("/evaluate", body, {}), { status: 400, code: "invalid_request" });
  }
  assert.equal(asked, 0);
});

test("metrics of the longest texts hold up neither probes nor the next client, and end with theirs", async () => {
  const text = (seed: number) =>
    Array.from({ length: 30_000 }, (_, at) => `${(at * seed) % 26}x${(at * 31 * seed) % 9973}`)
      .join(" ")
      .slice(0, 199_000);
  const heavy = { prompt: "a", response: text(7), reference: text(5), metrics: { chrf: { order: 10 } } };
  const leaving = new AbortController();
  const left = Array.from({ length: 8 }, () =>
    fetch(`${server.url}/evaluate`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(heavy),
      signal: leaving.signal,
    }).catch(() => undefined),
  );
  for (let probes = 0; probes < 5; probes++) assert.equal((await server.get("/healthz")).status, 200);
  leaving.abort();
  await Promise.all(left);
  const pattern = { prompt: "a", response: "b", metrics: { regex: { pattern: "(a+)+$" } } };
  const answered = await server.post("/evaluate", pattern, {});
  assert.equal(answered.status, 200);
  const { metrics } = await json<{ metrics: { regex: { value: number } } }>(answered);
  assert.equal(metrics.regex.value, 0);
});

test("control characters of a client's text are escaped in the log", async () => {
  // Node reads headers as Latin-1, where this byte is the beginning of a terminal's command.
  assert.equal(await statusOf("/v1/models", { "user-agent": "agent\u009b31m" }), 200);
  await until(async () => server.log.some((line) => String(line["user_agent"]).includes("31m")));
  const lines = server.log.filter((line) => String(line["user_agent"]).includes("31m"));
  for (const line of lines) assert.equal(line["user_agent"], "agent\\u009b31m");
});
