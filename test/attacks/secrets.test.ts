import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { loadConfig } from "../../src/config/config.ts";
import { assertError } from "../support/envelope.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** A judge's upstream that answers as some gateways do: with what it was sent, and with pages of its own network. */
let answer: (authorization: string) => { status: number; body: string };
const upstream = createServer((request, response) => {
  const { status, body } = answer(String(request.headers.authorization));
  response.writeHead(status, { "content-type": "application/json" }).end(body);
});

const secrets = {
  API_KEY: "key-marker-1",
  JUDGE_API_KEY: "key-marker-2",
  HF_TOKEN: "key-marker-3",
};
const database = { user: "user-marker", password: "key-marker-4", port: 9 };

let server: TestServer;
before(async () => {
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  server = await startServer({
    env: {
      ...secrets,
      JUDGE_MODEL: `http://127.0.0.1:${port}/v1#judge`,
      DATABASE_URL: `postgres://${database.user}:${database.password}@127.0.0.1:${database.port}/x`,
      LOG_LEVEL: "debug",
    },
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  upstream.close();
});

const key = { "x-api-key": secrets.API_KEY };
const judged = { prompt: "a", response: "b" };

test("what a judge's upstream quotes reaches no client without a key", async () => {
  for (const [status, body] of [
    [401, (authorization: string) => JSON.stringify({ error: { message: `Incorrect: ${authorization}` } })],
    [400, () => "<html>internal page 10.1.2.3 page-marker</html>"],
  ] as const) {
    answer = (authorization) => ({ status, body: body(authorization) });
    const refused = await server.post("/evaluate", judged, {});
    const { error } = await assertError(refused, { status: 503, code: "service_unavailable" });
    assert.equal(error.message, `The judge answered ${status}.`);
    const ready = await (await server.get("/readyz", {})).text();
    assert.match(ready, new RegExp(`The judge answered ${status}`));
    assert.doesNotMatch(error.message + ready, /marker/);
  }
});

test("no secret, and no particular of the database, is in answers without a key, nor any secret elsewhere", async () => {
  const unavailable = await server.get("/v1/datasets", key);
  assert.equal(unavailable.status, 503);
  const open = await Promise.all(
    ["/readyz", "/health", "/healthz", "/openapi.json", "/docs"].map(async (path) =>
      (await server.get(path, {})).text(),
    ),
  );
  const guarded = await Promise.all(
    ["/v1/metrics", "/v1/models", "/model", "/v1/settings"].map(async (path) =>
      (await server.get(path, key)).text(),
    ),
  );
  for (const text of open) {
    assert.doesNotMatch(text, /user-marker|ECONNREFUSED/);
    assert.ok(!text.includes(`127.0.0.1:${database.port}`));
  }
  const said = [...open, ...guarded, await unavailable.text(), JSON.stringify(server.log)].join("\n");
  for (const secret of [...Object.values(secrets), database.password])
    assert.ok(!said.includes(secret), secret);
});

test("a password in an address is neither taken nor repeated", () => {
  assert.throws(
    () => loadConfig({ HF_ENDPOINT: "http://user:pass-marker@127.0.0.1/hub" }),
    (error: Error) =>
      /HF_ENDPOINT must not contain a password/.test(error.message) && !/marker/.test(error.message),
  );
});
