import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RunningAnswer } from "../../../src/telemetry/running-requests.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, metric, startServer, type TestServer, until } from "../../support/server.ts";

/** A word that no answer of the model has by itself, looked for wherever text must not get. */
const CANARY = "zebracanary";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => server[Symbol.asyncDispose]());

interface Listed {
  readonly id: string;
  readonly request_id: string;
  readonly at: string;
  readonly route: string;
  readonly stream: boolean;
  readonly key: string | null;
  readonly status: number;
  readonly error: string | null;
  readonly finish_reason: string | null;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly latency_ms: number;
  readonly limiter: string | null;
  readonly account?: { readonly latency_ms: number; readonly parts_ms: Readonly<Record<string, number>> };
}
interface Page {
  readonly data: readonly Listed[];
  readonly next_cursor: string | null;
}

const list = (query = "") => json<Page>(server.get(`/v1/requests${query}`));
const find = (q: string) => list(`?q=${encodeURIComponent(q)}`);

const messages = [{ role: "user", content: `What is a ${CANARY}?` }];
const routes: Readonly<Record<string, object>> = {
  "/chat": { prompt: `What is a ${CANARY}?`, max_new_tokens: 4 },
  "/v1/chat/completions": { messages, max_tokens: 4, user: CANARY },
  "/v1/completions": { prompt: `A ${CANARY} is`, max_tokens: 4 },
  "/v1/responses": { input: `What is a ${CANARY}?`, max_output_tokens: 4 },
  "/v1/messages": { messages, max_tokens: 4 },
  "/api/chat": { model: "builtin", messages, options: { num_predict: 4 } },
};

test("each request is recorded when its answer is whole, with its tokens, its parts and no text", async () => {
  const ids: string[] = [];
  for (const [path, body] of Object.entries(routes)) {
    for (const stream of [false, true]) {
      const id = `${path.replaceAll("/", ".")}-${stream}`;
      const headers = { "x-api-key": "dev-local-key", "x-request-id": id };
      await (await server.post(path, { ...body, stream }, headers)).text();
      ids.push(id);
      const row = await json<Listed>(server.get(`/v1/requests/${id}`));
      assert.equal(row.route, path);
      assert.equal(row.stream, stream);
      assert.equal(row.status, 200);
      assert.ok(row.completion_tokens >= 1 && row.completion_tokens <= 4);
      assert.ok(row.prompt_tokens > 4);
      assert.match(String(row.key), /^[0-9a-f]{8}$/);
      const { parts_ms = {}, latency_ms = 0 } = row.account ?? {};
      const sum = Object.values(parts_ms).reduce((total, ms) => total + ms, 0);
      assert.ok(Math.abs(sum - row.latency_ms) < 0.3, `${sum} of ${row.latency_ms} ms`);
      assert.ok(Math.abs(latency_ms - row.latency_ms) < 0.05);
      assert.deepEqual((await json<Listed>(server.get(`/v1/requests/${row.id}`))).request_id, id);
    }
  }
  const { data } = await list("?limit=100");
  assert.deepEqual(data.map(({ request_id }) => request_id).toReversed(), ids);
  const completed = data.reduce((sum, row) => sum + row.completion_tokens, 0);
  assert.equal(completed, await metric(server, "inference_tokens_completion_total"));
  assert.equal(
    data.reduce((sum, row) => sum + row.prompt_tokens, 0),
    await metric(server, "inference_tokens_prompt_total"),
  );
});

test("pages follow one another without gaps, and a cursor of another list is refused", async () => {
  const all = (await list("?limit=500")).data.map(({ id }) => id);
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Page = await list(`?limit=5${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  assert.deepEqual(seen, all);
  const refused = await server.get(`/v1/requests?cursor=${Buffer.from("after:12").toString("base64url")}`);
  assert.equal(refused.status, 400);
  assert.equal((await json<{ error: { param: string } }>(refused)).error.param, "cursor");
});

test("a query finds what it says, and the place of a mistake is named", async () => {
  await server.post("/chat", { prompt: "", max_new_tokens: 1 });
  await server.post("/v1/chat/completions", { model: "another", messages });
  assert.deepEqual(
    (await find("status:400")).data.map(({ route }) => route),
    ["/chat"],
  );
  assert.deepEqual(
    (await find("status:4xx error:not_found")).data.map(({ route }) => route),
    ["/v1/chat/completions"],
  );
  const streamed = await find("stream:true route:/v1/ since:1h latency>0ms");
  assert.equal(streamed.data.length, 4);
  assert.ok(streamed.data.every(({ stream, route }) => stream && route.startsWith("/v1/")));
  assert.equal((await find("latency>1h")).data.length, 0);
  const [first] = (await find("finish:length")).data;
  assert.equal(
    (await find(`key:${first?.key} limiter:${first?.limiter}`)).data.some(({ id }) => id === first?.id),
    true,
  );
  for (const [q, position, message] of [
    ["limiter:queue latency>soon", 14, "latency takes a time such as 500ms, 2s or 1m."],
    ["nonsense:1", 0, '"nonsense" is not a field'],
    ["hello", 0, "is not a term"],
    ["status>5xx", 0, "takes a colon"],
  ] as const) {
    const refused = await server.get(`/v1/requests?q=${encodeURIComponent(q)}`);
    assert.equal(refused.status, 400);
    const { error } = await json<{
      error: { param: string; message: string; details: { position: number } };
    }>(refused);
    assert.equal(error.param, "q");
    assert.equal(error.details.position, position);
    assert.ok(error.message.includes(message), error.message);
  }
});

test("signing in to the console is not recorded", async () => {
  const before = (await list("?limit=1")).data[0]?.id;
  assert.equal((await server.post("/console/session", { key: "dev-local-key" }, {})).status, 200);
  assert.equal((await list("?limit=1")).data[0]?.id, before);
});

test("what is unknown is a 404, and requests without a key are neither answered nor recorded", async () => {
  assert.equal((await server.get("/v1/requests/0192f0c1-0000-7000-8000-000000000000")).status, 404);
  assert.equal((await server.get("/v1/requests/none")).status, 404);
  const before = (await list("?limit=500")).data.length;
  assert.equal((await server.post("/v1/completions", { prompt: "A" }, {})).status, 401);
  assert.equal((await server.get("/v1/requests", {})).status, 401);
  assert.equal((await list("?limit=500")).data.length, before);
});

test("charts get counts, percentiles and what the time went to, for every stretch", async () => {
  const { data } = await list("?limit=500");
  const { points } = await json<{
    points: ReadonlyArray<{
      requests: number;
      errors: number;
      completion_tokens: number;
      latency_ms: { p50: number; p95: number } | null;
      classes_ms: Readonly<Record<string, number>>;
    }>;
  }>(server.get("/v1/requests/series?minutes=30&step=10"));
  assert.ok(points.length === 3 || points.length === 4, `${points.length} points`);
  const sum = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((total, point) => total + of(point), 0);
  assert.equal(
    sum(({ requests }) => requests),
    data.length,
  );
  assert.equal(
    sum(({ completion_tokens }) => completion_tokens),
    data.reduce((total, row) => total + row.completion_tokens, 0),
  );
  assert.equal(
    sum(({ errors }) => errors),
    data.filter(({ status }) => status >= 400).length,
  );
  const limited = data.filter(({ limiter }) => limiter !== null);
  const spent = limited.reduce((total, row) => total + row.latency_ms, 0);
  const classes = sum(({ classes_ms }) => Object.values(classes_ms).reduce((total, ms) => total + ms, 0));
  assert.ok(Math.abs(classes - spent) < 1, `${classes} of ${spent} ms`);
  assert.equal((await server.get("/v1/requests/series?minutes=40000&step=1")).status, 400);
});

test("an export has every request, as lines of JSON and as a table", async () => {
  const { data } = await list("?limit=500");
  const lines = (await (await server.get("/v1/requests/export")).text()).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as Listed).id),
    data.map(({ id }) => id),
  );
  const table = (await (await server.get("/v1/requests/export?format=csv&q=status:200")).text()).trimEnd();
  assert.equal(table.split("\r\n").length, 1 + data.filter(({ status }) => status === 200).length);
  assert.match(table, /^id,request_id,at,.*,decode_weights_ms,/);
});

test("no text of prompts or answers is in the ledger, the exports or the log", async () => {
  const directory = join(server.directory, "data", "ledger");
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  const exported = await (await server.get("/v1/requests/export")).text();
  for (const text of [...files, exported, JSON.stringify(server.log)]) {
    assert.ok(text.length > 100);
    assert.equal(text.includes(CANARY), false);
  }
});

test("a running request is listed with how far it is, and its client is told that an operator cancelled it", async () => {
  const body = { prompt: "Once", max_tokens: 1000, ignore_eos: true };
  const ask = (id: string, stream: boolean) =>
    server.post("/v1/completions", { ...body, stream }, { "x-api-key": "dev-local-key", "x-request-id": id });
  const [whole, streamed] = [ask("whole", false), ask("streamed", true)];
  const running = async () =>
    (await json<{ data: readonly RunningAnswer[] }>(server.get("/v1/requests/running"))).data;
  const writing = async () => (await running()).filter(({ phase }) => phase === "decode");
  await until(async () => (await writing()).length === 2);
  for (const { id, elapsed_ms, queue_ms, prefill_ms, decode_ms, prompt_tokens } of await writing()) {
    assert.ok(Math.abs(elapsed_ms - queue_ms - prefill_ms - decode_ms) < 1, id);
    assert.equal(prompt_tokens, 1, id);
    const { cancelled } = await json<{ cancelled: number }>(server.post(`/v1/requests/${id}/cancel`, {}));
    assert.equal(cancelled, 1);
  }
  const refused = await whole;
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.match(await refused.text(), /"reason":"cancelled"/);
  assert.match(await (await streamed).text(), /cancelled by an operator.*"reason":"cancelled".*\n\n$/s);
  await until(async () => (await running()).length === 0);
  assert.equal((await server.post("/v1/requests/whole/cancel", {})).status, 404);
  const [row] = (await find("route:/v1/completions status:503")).data;
  assert.equal(row?.error, "service_unavailable");
});
