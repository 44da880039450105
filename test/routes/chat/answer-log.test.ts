import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILTIN } from "../../support/model.ts";
import { json, KEY, metric, startServer, type TestServer, until } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => server[Symbol.asyncDispose]());

const model = "builtin";
const messages = [{ role: "user", content: "What is a token?" }];
const routes: Readonly<Record<string, object>> = {
  "/chat": { prompt: "What is a token?", max_new_tokens: 5 },
  "/v1/chat/completions": { model, messages, max_tokens: 5 },
  "/v1/completions": { model, prompt: "A transformer is a neural", max_tokens: 5, temperature: 0 },
  "/v1/responses": { model, input: "What is a token?", max_output_tokens: 5 },
  "/v1/messages": { model, messages, max_tokens: 5 },
};

for (const [path, body] of Object.entries(routes)) {
  for (const stream of [false, true]) {
    test(`the log line of ${path}${stream ? ", streamed," : ""} accounts for tokens and times`, async () => {
      const line = await logLine(path, { ...body, stream });
      assert.equal(line["status"], 200);
      assert.ok(Number(line["prompt_tokens"]) > 0);
      assert.ok(Number(line["cached_prompt_tokens"]) >= 0);
      assert.equal(line["completion_tokens"], 5);
      assert.equal(line["finish_reason"], "length");
      for (const field of ["queue_ms", "prefill_ms", "decode_ms"]) assert.ok(Number(line[field]) >= 0, field);
      assert.equal(line["client"], "127.0.0.1");
      assert.match(String(line["key"]), /^[0-9a-f]{8}$/);
      assert.match(String(line["limiter"]), /^[a-z_]+$/);
      assert.ok(Number(line["limiter_share"]) > 0 && Number(line["limiter_share"]) <= 1);
    });
  }
}

test("the log line of a judgement accounts for the judge's tokens and times", async () => {
  const line = await logLine("/evaluate", { prompt: "What is a token?", response: "A piece of text." });
  assert.equal(line["status"], 200);
  for (const field of ["prompt_tokens", "completion_tokens"]) assert.ok(Number(line[field]) > 0, field);
  for (const field of ["queue_ms", "prefill_ms", "decode_ms"]) assert.ok(Number(line[field]) >= 0, field);
});

test("the log, the metrics and Server-Timing tell why a request took its time or failed", async () => {
  const seconds = await metric(server, "answer_limited_seconds_total");
  const body = { prompt: "What is a token?", max_new_tokens: 40, temperature: 0 };
  const response = await server.post("/chat", body);
  const { timings } = await json<{ timings: { queue_ms: number; prefill_ms: number; decode_ms: number } }>(
    response,
  );
  const { queue_ms, prefill_ms, decode_ms } = timings;
  assert.equal(
    response.headers.get("server-timing"),
    [
      `queue;dur=${queue_ms.toFixed(1)}`,
      `prefill;dur=${prefill_ms.toFixed(1)}`,
      `decode;dur=${decode_ms.toFixed(1)}`,
    ].join(", "),
  );
  const line = await lineOf(response);
  await until(async () => (await metric(server, "answer_limited_seconds_total")) > seconds);
  const spent = ((await metric(server, "answer_limited_seconds_total")) - seconds) * 1000;
  // The line has whole milliseconds.
  assert.ok(Math.abs(spent - Number(line["latency_ms"])) <= 1, `${spent} of ${line["latency_ms"]} ms`);
  const gone = await lineOf(await server.get("/v1/batch-evals/run_none"));
  assert.equal(gone["id"], "run_none");
  assert.equal(gone["error"], "not_found");
  assert.match(
    await (await server.get("/v1/metrics")).text(),
    /request_failures_total\{code="not_found",reason=""\} 1/,
  );
});

for (const [path, body] of Object.entries({ ...routes, "/api/chat": { model, messages } })) {
  for (const stream of [false, true]) {
    test(`${path}${stream ? ", streamed," : ""} tells on request what each millisecond went to`, async () => {
      const response = await server.post(path, { ...body, stream, include: ["account"] });
      const { account } = await lastWith<Accounted>(response, stream);
      const { latency_ms, parts_ms, limiter } = account;
      const sum = (values: Readonly<Record<string, number>>) =>
        Object.values(values).reduce((total, ms) => total + ms, 0);
      // Each part is rounded to hundredths.
      assert.ok(Math.abs(sum(parts_ms) - latency_ms) < 0.3, JSON.stringify(account));
      assert.ok(Math.abs(sum(limiter.classes_ms) - latency_ms) < 0.3);
      assert.ok(latency_ms <= Number((await lineOf(response))["latency_ms"]) + 1);
      assert.ok(limiter.cause.includes("%"), limiter.cause);
    });
  }
}

test("an account is sent only where it was asked for, and what else is asked for is refused by name", async () => {
  const body = { model, messages, max_tokens: 2 };
  const plain = await json<Partial<Accounted>>(server.post("/v1/chat/completions", body));
  assert.equal(plain.account, undefined);
  const refused = await server.post("/v1/chat/completions", { ...body, include: ["receipt"] });
  assert.equal(refused.status, 400);
  assert.equal((await json<{ error: { param: string } }>(refused)).error.param, "include[0]");
});

test("the times of OpenAI's routes have llama-server's names too", async () => {
  const body = { model, prompt: "A transformer is a neural", max_tokens: 5, temperature: 0 };
  const { timings, usage } = await json<{
    timings: Record<string, number>;
    usage: { prompt_tokens: number };
  }>(server.post("/v1/completions", body));
  const { cache_n = 0, prompt_n = 0, predicted_n, prompt_ms, prefill_ms = 0, predicted_ms } = timings;
  assert.equal(cache_n + prompt_n, usage.prompt_tokens);
  assert.equal(predicted_n, 5);
  // The same times, rounded to microseconds and to tenths of a millisecond.
  assert.ok(Math.abs((prompt_ms ?? 0) - prefill_ms) < 0.051, `${prompt_ms} ${prefill_ms}`);
  const { decode_ms = 0 } = timings;
  assert.ok(Math.abs((predicted_ms ?? 0) - decode_ms) < 0.051, `${predicted_ms} ${decode_ms}`);
});

test("several prompts and answers are summed: each prompt once, every answer", async () => {
  const body = { model, max_tokens: 5, temperature: 0 };
  const prompts = ["A transformer is a neural", "All tokens of a prompt are"];
  const alone = await Promise.all(prompts.map((prompt) => logLine("/v1/completions", { ...body, prompt })));
  const both = await logLine("/v1/completions", { ...body, prompt: prompts, n: 2 });
  const sum = (field: string) => alone.reduce((total, line) => total + Number(line[field]), 0);
  assert.equal(both["prompt_tokens"], sum("prompt_tokens"));
  assert.equal(both["completion_tokens"], 2 * sum("completion_tokens"));
});

interface Accounted {
  readonly account: {
    readonly latency_ms: number;
    readonly parts_ms: Readonly<Record<string, number>>;
    readonly limiter: { readonly classes_ms: Readonly<Record<string, number>>; readonly cause: string };
  };
}

/** The answer, or the event or line of a stream that has its account. */
async function lastWith<T>(response: Response, stream: boolean): Promise<T> {
  if (!stream) return json<T>(response);
  const lines = (await response.text()).split("\n").map((line) => line.replace(/^data: /, ""));
  const events = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const wholes = events.map((event) => (typeof event.response === "object" ? event.response : event));
  const found = wholes.filter((event) => event.account !== undefined);
  assert.equal(found.length, 1);
  return found[0] as T;
}

/** The request's line, once it is written. */
async function logLine(path: string, body: object) {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...KEY },
    body: JSON.stringify(body),
  });
  await response.text();
  return lineOf(response);
}

async function lineOf(response: Response) {
  const id = response.headers.get("x-request-id");
  const find = () => server.log.find((line) => line["request_id"] === id && line.msg === "request");
  await until(() => find() !== undefined);
  return find() ?? assert.fail("no line");
}
