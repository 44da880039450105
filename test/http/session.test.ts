import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertError } from "../support/envelope.ts";
import { json, startServer, type TestServer } from "../support/server.ts";

const key = "a-secret-of-our-own";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { API_KEY: key }, waitUntilReady: false });
});
after(() => server[Symbol.asyncDispose]());

async function signIn(): Promise<string> {
  const response = await server.post("/console/session", { key }, {});
  assert.equal(response.status, 200);
  const [cookie = ""] = response.headers.getSetCookie();
  assert.match(cookie, /^llm-server-\d+=[\w.-]+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/);
  assert.ok(!cookie.includes(key));
  return cookie.split(";")[0] ?? "";
}

/** Asks for the metrics, which need a key and no model. */
const ask = (headers: Record<string, string>) => server.get("/v1/metrics", headers);

test("a session stands for the key on requests of the server's own pages", async () => {
  const cookie = await signIn();
  assert.equal((await ask({ cookie, "sec-fetch-site": "same-origin" })).status, 200);
  assert.equal((await ask({ cookie: `other=1; ${cookie}` })).status, 200);
  const state = await json(server.get("/console/session", { cookie }));
  assert.deepEqual(
    { ...(state as object), request_id: "" },
    { signed_in: true, known_key: null, request_id: "" },
  );
});

test("another page of the same host gets nothing by it", async () => {
  const cookie = await signIn();
  for (const site of ["same-site", "cross-site", "none"])
    await assertError(await ask({ cookie, "sec-fetch-site": site }), { status: 401, code: "unauthorized" });
  const post = (headers: Record<string, string>) =>
    server.post("/v1/tokenize", { content: "x" }, { cookie, ...headers });
  await assertError(await post({ origin: "http://127.0.0.1:1" }), { status: 401, code: "unauthorized" });
  await assertError(await post({}), { status: 401, code: "unauthorized" });
  assert.notEqual((await post({ origin: server.url })).status, 401);
});

test("a session that was changed, or made with another key, is none", async () => {
  const cookie = await signIn();
  const [name = "", value = ""] = cookie.split("=");
  const [endsAt = "", signature = ""] = value.split(".");
  for (const forged of [
    `${Number(endsAt) + 1}.${signature}`,
    `${endsAt}.${signature.slice(0, -1)}`,
    `${endsAt}.`,
    `${endsAt}.${"é".repeat(signature.length)}`,
    ".",
    "",
    `x.${signature}`,
  ])
    await assertError(await ask({ cookie: `${name}=${encodeURI(forged)}` }), {
      status: 401,
      code: "unauthorized",
    });
});

test("a wrong key opens no session, and a session ends when it is closed", async () => {
  const refused = await server.post("/console/session", { key: "dev-local-key" }, {});
  assert.deepEqual(refused.headers.getSetCookie(), []);
  await assertError(refused, { status: 401, code: "unauthorized" });
  const closed = await fetch(`${server.url}/console/session`, { method: "DELETE" });
  assert.match(closed.headers.getSetCookie()[0] ?? "", /^llm-server-\d+=; Path=\/; Max-Age=0;/);
});

test("browsers are led from / to the console, programs are told what there is", async () => {
  const page = await fetch(`${server.url}/`, { headers: { accept: "text/html,*/*" }, redirect: "manual" });
  assert.equal(page.status, 302);
  assert.equal(page.headers.get("location"), "/console/");
  const index = await json<{ console: string; docs: string }>(fetch(`${server.url}/`));
  assert.equal(index.console, "/console/");
});
