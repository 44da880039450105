import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertError } from "../support/envelope.ts";
import { startServer, type TestServer } from "../support/server.ts";

const origin = "https://app.example";
const small = { prompt: "Once", raw: true, max_new_tokens: 1 };

describe("a server that pages of another origin may call", () => {
  let server: TestServer;
  before(async () => {
    // As an address bar shows it; browsers send it without the slash and in small letters.
    server = await startServer({ env: { CORS_ORIGIN: "https://App.example/", RATE_LIMIT: "1000" } });
  });
  after(() => server[Symbol.asyncDispose]());

  const preflight = (path: string, method: string) =>
    fetch(server.url + path, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": "x-api-key,content-type",
      },
    });

  test("tells browsers so, which ask without a key, on every route", async () => {
    for (const [path, method] of [
      ["/chat", "POST"],
      ["/v1/chat", "POST"],
      ["/v1/responses/x", "DELETE"],
    ] as const) {
      const response = await preflight(path, method);
      assert.equal(response.status, 204, path);
      assert.equal(response.headers.get("access-control-allow-origin"), origin);
      assert.match(response.headers.get("access-control-allow-methods") ?? "", new RegExp(method));
      assert.match(response.headers.get("access-control-allow-headers") ?? "", /x-api-key/);
      assert.match(response.headers.get("x-request-id") ?? "", /./);
    }
  });

  test("lets them read answers, refusals and what their headers say", async () => {
    for (const response of [
      await server.post("/v1/chat", small, { "x-api-key": "dev-local-key", origin }),
      await server.post("/v1/chat", small, { origin }),
    ]) {
      assert.equal(response.headers.get("access-control-allow-origin"), origin, `${response.status}`);
      const exposed = response.headers.get("access-control-expose-headers") ?? "";
      for (const name of ["x-request-id", "x-latency-ms", "retry-after", "x-ratelimit-remaining"])
        assert.ok(exposed.includes(name), name);
    }
  });

  test("still tells an unknown path from a wrong method", async () => {
    await assertError(await server.get("/nowhere"), { status: 404, code: "not_found" });
    const wrong = await server.get("/chat");
    assert.equal(wrong.headers.get("allow"), "POST");
    await assertError(wrong, { status: 405, code: "method_not_allowed" });
  });
});

test("without CORS_ORIGIN no other origin is let in", async () => {
  await using server = await startServer();
  const response = await server.post("/chat", small, { origin });
  assert.equal(response.status, 403);
  assert.equal(response.headers.get("access-control-allow-origin"), null);
});
