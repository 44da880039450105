import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createServer } from "../../src/http/server.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { assertError } from "../support/envelope.ts";
import { rawGet, sendRaw } from "../support/raw-http.ts";
import { json, startServer, type TestServer } from "../support/server.ts";

const key = "a-secret-of-our-own";
const small = { prompt: "Once", raw: true, max_new_tokens: 1 };

test("no server starts with a route that doesn't say who may call it", async () => {
  const options = {
    apiKey: key,
    requireApiKey: "v1",
    rateLimit: 0,
    maxConcurrentPerKey: 0,
    bodyLimit: 1024,
    corsOrigin: "*",
    host: "127.0.0.1",
    allowedHosts: [],
    prefixCacheScope: "auto",
    ledgerContent: "off",
  } as const;
  const app = await createServer(options, createLog({ level: "silent", format: "json" }), new Metrics());
  app.get("/known", { config: { scope: "inference" } }, () => ({}));
  app.get("/forgotten", () => ({}));
  await assert.rejects(async () => await app.ready(), /GET \/forgotten/);
  await app.close();
});

describe("with a key of one's own", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ env: { API_KEY: key } });
  });
  after(() => server[Symbol.asyncDispose]());

  test("the right key is taken from x-api-key and from Authorization: Bearer, in any case", async () => {
    for (const headers of [
      { "x-api-key": key },
      { authorization: `Bearer ${key}` },
      { authorization: `bearer ${key}` },
    ]) {
      assert.equal((await server.get("/v1/health", headers)).status, 200);
    }
  });

  test("no key, a wrong one, part of it, another scheme and the default key are refused", async () => {
    for (const headers of [
      {},
      { "x-api-key": "" },
      { "x-api-key": "wrong" },
      { "x-api-key": key.slice(0, -1) },
      { "x-api-key": `${key}x` },
      { "x-api-key": key.toUpperCase() },
      { "x-api-key": "dev-local-key" },
      { authorization: key },
      { authorization: `Basic ${key}` },
      { authorization: "Bearer" },
      { authorization: `Bearer ${key} ${key}` },
    ]) {
      await assertError(await server.get("/v1/health", headers), { status: 401, code: "unauthorized" });
    }
  });

  test("every spelling of a /v1 path needs the key", async () => {
    for (const path of [
      "/v1/metrics",
      "/%76%31/metrics",
      "/v%31/metrics",
      "/v1/%6detrics",
      "/v1/metrics?x=1",
      "/v1/chat/completions",
      "/v1",
      "/v1/",
      "/v1/nothing-here",
    ]) {
      const response = await sendRaw(server, rawGet(path));
      assert.equal(response.status, 401, path);
      assert.doesNotMatch(response.body, /http_requests_total/);
    }
  });

  test("no other spelling reaches a /v1 route", async () => {
    for (const path of [
      "//v1/metrics",
      "/./v1/metrics",
      "/x/../v1/metrics",
      "/V1/metrics",
      "/v1%2fmetrics",
    ]) {
      const response = await sendRaw(server, rawGet(path));
      assert.ok([401, 404].includes(response.status), `${path} ${response.status}`);
      assert.doesNotMatch(response.body, /http_requests_total/, path);
    }
  });

  test("every route that the API's document protects asks for the key, and names the scope that it is for", async () => {
    interface Operation {
      readonly security?: ReadonlyArray<{ readonly apiKey?: readonly string[] }>;
    }
    const { paths } = await json<{ paths: Record<string, Record<string, Operation>> }>(
      server.get("/openapi.json", {}),
    );
    const open: string[] = [];
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        if (security === undefined) open.push(path);
        else {
          assert.match(
            String(security[0]?.apiKey),
            /^(inference|models|datasets|evaluation|metrics|instruments)$/,
            path,
          );
          const { status } = await fetch(server.url + path, { method: method.toUpperCase() });
          assert.equal(status, 401, `${method} ${path}`);
        }
      }
    }
    assert.deepEqual(open.filter((path) => !path.startsWith("/api/")).sort(), [
      "/chat",
      "/console/session",
      "/console/session",
      "/console/session",
      "/evaluate",
      "/health",
      "/healthz",
      "/model",
      "/readyz",
    ]);
  });

  test("the key is asked for before the body is looked at", async () => {
    const response = await server.post("/v1/chat", "{not json", {});
    await assertError(response, { status: 401, code: "unauthorized" });
  });

  test("the contract's keyless routes need none", async () => {
    for (const path of ["/health", "/healthz", "/readyz", "/model", "/docs/", "/openapi.json"])
      assert.equal((await server.get(path, {})).status, 200, path);
    assert.equal((await server.post("/chat", small, {})).status, 200);
    assert.equal((await server.post("/evaluate", { prompt: "a", response: "b" }, {})).status, 200);
  });
});

describe("with REQUIRE_API_KEY=all", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ env: { API_KEY: key, REQUIRE_API_KEY: "all" } });
  });
  after(() => server[Symbol.asyncDispose]());

  test("/chat and /evaluate need the key too", async () => {
    for (const path of ["/chat", "/evaluate", "/%63hat"]) {
      await assertError(await server.post(path, small, {}), { status: 401, code: "unauthorized" });
    }
    assert.equal((await server.post("/chat", small, { "x-api-key": key })).status, 200);
  });

  test("health, readiness and documentation still need none", async () => {
    for (const path of ["/health", "/healthz", "/readyz", "/model", "/docs/", "/openapi.json"])
      assert.equal((await server.get(path, {})).status, 200, path);
  });
});
