import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { haltedEngine } from "../../support/halted-engine.ts";
import { enginePid, skipWithoutProc } from "../../support/processes.ts";
import { json, KEY, metric, readEvents, startServer, until } from "../../support/server.ts";

const unavailable = { status: 503, code: "service_unavailable" } as const;

describe("admission", { skip: skipWithoutProc }, () => {
  test("one request more than sequences and queue hold is refused at once, the others are served", async () => {
    await using server = await startServer({
      env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "1", MAX_QUEUE: "2" },
    });
    await chat(server, greedy);
    const engine = enginePid(server);
    process.kill(engine, "SIGSTOP");
    const accepted = Array.from({ length: 3 }, () => server.post("/chat", greedy));
    await until(async () => (await metric(server, "inference_queue_depth")) === 3);
    for (const stream of [false, true]) {
      const { error } = await assertError(await server.post("/chat", { ...greedy, stream }), unavailable);
      assert.equal(error.details?.["reason"], "queue_full");
    }
    const { error } = await assertError(
      await server.post("/evaluate", { prompt: "a", response: "b" }),
      unavailable,
    );
    assert.equal(error.details?.["reason"], "queue_full");
    assert.equal((await server.get("/readyz")).status, 200);
    process.kill(engine, "SIGCONT");
    for (const response of await Promise.all(accepted)) assert.equal(response.status, 200);
    assert.equal((await chat(server, greedy)).completion_tokens, 60);
  });

  test("MAX_QUEUE=0 takes as many requests as there are sequences", async () => {
    await using server = await startServer({ env: { MAX_SEQUENCES: "2", MAX_QUEUE: "0" } });
    const engine = enginePid(server);
    process.kill(engine, "SIGSTOP");
    const accepted = Array.from({ length: 2 }, () => server.post("/chat", { ...greedy, max_new_tokens: 5 }));
    await until(async () => (await metric(server, "inference_queue_depth")) === 2);
    await assertError(await server.post("/chat", greedy), unavailable);
    process.kill(engine, "SIGCONT");
    for (const response of await Promise.all(accepted)) assert.equal(response.status, 200);
  });

  test("a request that waits longer than QUEUE_TIMEOUT_MS is refused, one that runs longer than REQUEST_TIMEOUT_MS is ended", async () => {
    await using server = await startServer({
      env: {
        CONTEXT_SIZE: "512",
        MAX_SEQUENCES: "1",
        QUEUE_TIMEOUT_MS: "300",
        REQUEST_TIMEOUT_MS: "600",
        WATCHDOG_TIMEOUT_MS: "60000",
      },
    });
    await chat(server, { ...greedy, max_new_tokens: 1 });
    const { engine, running } = await haltedEngine(server, async () => {
      const events: string[] = [];
      const response = await server.post("/chat", { ...greedy, max_new_tokens: 480, stream: true });
      for await (const event of readEvents(response)) events.push(event);
      return events;
    });
    const waiting = await server.post("/chat", greedy);
    const { error } = await assertError(waiting, unavailable);
    assert.equal(error.details?.["reason"], "queue_timeout");
    const events = await running;
    assert.equal(events.at(-1), "[DONE]");
    assert.equal(JSON.parse(events.at(-2) ?? "{}").error.details.reason, "request_timeout");
    process.kill(engine, "SIGCONT");
    await until(async () => (await metric(server, "inference_running_sequences")) === 0);
    assert.equal((await chat(server, { ...greedy, max_new_tokens: 1 })).completion_tokens, 1);
  });
});

describe("RATE_LIMIT", () => {
  test("answers one request too many with 429 and its headers, and leaves probes alone", async () => {
    await using server = await startServer({ env: { RATE_LIMIT: "3" } });
    const small = { ...greedy, max_new_tokens: 1 };
    for (const remaining of ["2", "1", "0"]) {
      const response = await server.post("/chat", small);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-ratelimit-limit"), "3");
      assert.equal(response.headers.get("x-ratelimit-remaining"), remaining);
      assert.match(response.headers.get("x-ratelimit-reset") ?? "", /^\d+$/);
    }
    const refused = await server.post("/chat", small);
    for (const name of ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]) {
      assert.match(refused.headers.get(name) ?? "", /^\d+$/, name);
    }
    assert.equal(refused.headers.get("x-ratelimit-remaining"), "0");
    await assertError(refused, { status: 429, code: "rate_limited" });
    assert.equal((await server.post("/v1/chat", small)).status, 429);
    for (let count = 0; count < 5; count++) assert.equal((await server.get("/healthz")).status, 200);
    assert.equal(await metric(server, "rate_limit_rejections_total"), 2);
  });

  test("is not escaped by making up keys", async () => {
    await using server = await startServer({ env: { RATE_LIMIT: "2" } });
    const statuses: number[] = [];
    for (const key of ["one", "two", "three", "four"]) {
      const response = await server.post("/chat", { ...greedy, max_new_tokens: 1 }, { "x-api-key": key });
      statuses.push(response.status);
      await json(response);
    }
    assert.deepEqual(statuses, [200, 200, 429, 429]);
    // The real key has an account of its own.
    assert.equal((await server.get("/v1/health")).status, 200);
  });
});

describe("MAX_CONCURRENT_PER_KEY", { skip: skipWithoutProc }, () => {
  test("refuses one open request too many with 429 and its headers, until one of them ends", async () => {
    await using server = await startServer({
      env: { MAX_CONCURRENT_PER_KEY: "2", MAX_SEQUENCES: "4", WATCHDOG_TIMEOUT_MS: "60000" },
    });
    const small = { ...greedy, max_new_tokens: 1 };
    const engine = enginePid(server);
    process.kill(engine, "SIGSTOP");
    const leaving = new AbortController();
    const open = server.post("/chat", small);
    const left = fetch(`${server.url}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json", ...KEY },
      body: JSON.stringify(small),
      signal: leaving.signal,
    });
    await until(async () => (await metric(server, "inference_queue_depth")) === 2);
    const refused = await server.post("/chat", small);
    for (const [name, value] of [
      ["retry-after", "1"],
      ["x-ratelimit-limit", "2"],
      ["x-ratelimit-remaining", "0"],
      ["x-ratelimit-reset", "1"],
    ] as const)
      assert.equal(refused.headers.get(name), value, name);
    await assertError(refused, { status: 429, code: "rate_limited" });
    // Another client, known by its address, has a share of its own; reading is not counted.
    const other = server.post("/chat", small, {});
    assert.equal((await server.get("/model")).status, 200);
    leaving.abort();
    await assert.rejects(left);
    const gone = 'http_requests_total{method="POST",route="/chat",status="499"}';
    await until(async () => (await metric(server, gone)) === 1);
    const next = server.post("/chat", small);
    process.kill(engine, "SIGCONT");
    for (const response of await Promise.all([open, other, next])) assert.equal(response.status, 200);
    assert.equal(await metric(server, "rate_limit_rejections_total"), 1);
  });
});
