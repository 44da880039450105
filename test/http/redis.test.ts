import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chat, greedy } from "../support/chat.ts";
import { RedisServer, skipWithoutRedis } from "../support/redis-server.ts";
import { run } from "../support/run.ts";
import { json, metric, startServer, type TestServer, until } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const short = { ...greedy, max_new_tokens: 5 };

describe("two servers on one Redis", { skip: skipWithoutRedis }, () => {
  let redis: RedisServer;
  let one: TestServer;
  let two: TestServer;
  before(async () => {
    redis = await RedisServer.start();
    const env = {
      REDIS_URL: redis.url,
      // A busy machine may let Redis run late.
      REDIS_TIMEOUT_MS: "30000",
      RESPONSE_CACHE_TTL: "600",
      RATE_LIMIT: "1000",
    };
    [one, two] = await Promise.all([startServer({ env }), startServer({ env })]);
    await Promise.all([one, two].map((server) => untilCache(server, "redis")));
  });
  after(async () => {
    await Promise.all([one, two].map((server) => server[Symbol.asyncDispose]()));
    await redis[Symbol.asyncDispose]();
  });

  const cache = async (server: TestServer) => (await json<{ cache: string }>(server.get("/readyz"))).cache;
  const untilCache = (server: TestServer, state: string) =>
    until(async () => (await cache(server)) === state);
  const remaining = async (server: TestServer) =>
    Number((await server.get("/model", {})).headers.get("x-ratelimit-remaining"));

  test("share answers", async () => {
    const first = await chat(one, short);
    const second = await chat(two, short);
    assert.equal(second.cached, true);
    assert.equal(second.response, first.response);
  });

  test("keep nothing in Redis under a readable prompt, key or address", async () => {
    for (const key of await redis.keys()) {
      assert.match(key, /^llm-server:(cache:responses|rate):[A-Za-z0-9_-]{43}$/);
    }
  });

  test("share one rate limit", async () => {
    const before = await remaining(one);
    for (let request = 0; request < 5; request++) await remaining(two);
    const after = await remaining(one);
    assert.ok(after < before - 1, `${before} left, then ${after}`);
  });

  test("serve on while Redis is dead, say so, count it, and go back to it", async () => {
    const streams = Array.from({ length: 4 }, (_, index) =>
      chat(one, { ...greedy, prompt: `Story ${index}`, max_new_tokens: 40 }),
    );
    await redis.kill();
    await Promise.all(streams);
    await untilCache(one, "redis_unreachable");
    const body = { ...short, prompt: "While Redis is away" };
    assert.equal((await chat(one, body)).cached, false);
    assert.equal((await chat(one, body)).cached, true, "this process's memory stands in");
    assert.equal((await chat(two, body)).cached, false, "each has its own");
    assert.ok((await remaining(one)) > 0);
    const metrics = await (await one.get("/v1/metrics")).text();
    assert.match(metrics, /^cache_errors_total\{cache="responses"\} [1-9]/m);
    assert.match(metrics, /^cache_errors_total\{cache="rate_limits"\} [1-9]/m);
    assert.equal(one.log.filter(({ level, msg }) => level === "warn" && /Redis is away/.test(msg)).length, 1);

    await redis.start();
    await Promise.all([one, two].map((server) => untilCache(server, "redis")));
    const again = { ...short, prompt: "Redis is back" };
    await chat(one, again);
    assert.equal((await chat(two, again)).cached, true);
  });

  test("what somebody else put in the place of an answer is not taken for one", async () => {
    const body = { ...short, prompt: "A poisoned entry" };
    await redis.command("FLUSHALL");
    await chat(one, body);
    const keys = (await redis.keys()).filter((key) => key.includes(":cache:"));
    assert.equal(keys.length, 1);
    for (const value of ["", "{", '{"text":1}', "null"]) {
      await redis.command("SET", keys[0] ?? "", value);
      assert.equal((await chat(two, body)).cached, false, value);
    }
  });
});

test("a server starts and serves without the Redis that it was told of", {
  skip: skipWithoutRedis,
}, async () => {
  const redis = await RedisServer.start();
  await redis[Symbol.asyncDispose]();
  await using server = await startServer({ env: { REDIS_URL: redis.url, RATE_LIMIT: "100" } });
  assert.equal((await json<{ cache: string }>(server.get("/readyz"))).cache, "redis_unreachable");
  const response = await server.post("/chat", short);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-ratelimit-limit"), "100");
  assert.ok((await metric(server, "cache_errors_total")) > 0);
  assert.equal(await server.stop(), 0);
});

test("a REDIS_URL that is none is refused at start, without showing its password", async (t) => {
  const { exitCode, output } = await run(await temporaryDirectory(t), {
    REDIS_URL: "http://user:marker-password@host",
  });
  assert.equal(exitCode, 2);
  assert.match(output, /REDIS_URL must be a URL: redis:\/\/… or rediss:\/\/…/);
  assert.doesNotMatch(output, /marker-password/);
});
