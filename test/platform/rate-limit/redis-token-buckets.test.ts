import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { monotonicMs } from "../../../src/platform/clock.ts";
import { RedisTokenBuckets } from "../../../src/platform/rate-limit/redis-token-buckets.ts";
import { MemoryTokenBuckets } from "../../../src/platform/rate-limit/token-buckets.ts";
import { RedisConnection } from "../../../src/platform/redis/connection.ts";
import { RedisServer, skipWithoutRedis } from "../../support/redis-server.ts";
import { until } from "../../support/server.ts";

const log = { info: () => {}, warn: () => {}, debug: () => {} };

describe("token buckets in Redis", { skip: skipWithoutRedis }, () => {
  let server: RedisServer;
  let connections: readonly RedisConnection[];
  let failures = 0;
  before(async () => {
    server = await RedisServer.start();
    // A busy machine may let Redis run late; what it answers is the subject here.
    connections = [1, 2].map(() => new RedisConnection({ url: server.url, commandTimeoutMs: 30_000, log }));
    for (const connection of connections) connection.start();
    await until(() => connections.every(({ isUp }) => isUp));
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server[Symbol.asyncDispose]();
  });

  /** One limiter a server, all on the same Redis. */
  const servers = (perMinute: number) =>
    connections.map((connection) => {
      const memory = new MemoryTokenBuckets(perMinute, monotonicMs);
      return new RedisTokenBuckets(perMinute, connection, memory, () => failures++);
    });

  test("several servers hand out one minute's requests together, and no more", async () => {
    const buckets = servers(20);
    const begun = Date.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => buckets[index % 2]?.take("client")),
    );
    const allowed = answers.filter((taken) => taken?.retryAfterMs === 0).length;
    const refilled = Math.ceil(((Date.now() - begun) * 20) / 60_000);
    assert.ok(allowed >= 20 && allowed <= 20 + refilled, `${allowed} allowed, ${refilled} refilled`);
    assert.equal(failures, 0);
  });

  test("say what the buckets in memory say", async () => {
    const [shared] = servers(7);
    // Time stands still for the one, and hardly passes for the other: 7 a minute is one in 8.6 s.
    const memory = new MemoryTokenBuckets(7, () => 0);
    for (let request = 0; request < 9; request++) {
      const expected = memory.take("same");
      const taken = await shared?.take("same");
      assert.equal(taken?.remaining, expected.remaining);
      assert.equal(taken?.retryAfterMs === 0, expected.retryAfterMs === 0);
      assert.ok((taken?.retryAfterMs ?? 0) <= expected.retryAfterMs);
      assert.ok((taken?.resetMs ?? 0) <= expected.resetMs);
    }
  });

  test("a refused client gets a request back with time", async () => {
    const [shared] = servers(600);
    const emptied = async () => ((await shared?.take("patient"))?.retryAfterMs ?? 0) > 0;
    await server.command("FLUSHALL");
    for (let count = 0; count < 1000 && !(await emptied()); count++);
    await until(async () => (await shared?.take("patient"))?.retryAfterMs === 0);
  });

  test("a bucket is forgotten when it would be full, and its client is not a readable key", async () => {
    const [shared] = servers(60);
    await server.command("FLUSHALL");
    await shared?.take("ip:192.0.2.7");
    const [key = ""] = await server.keys();
    assert.match(key, /^llm-server:rate:[A-Za-z0-9_-]{43}$/);
    const left = Number((await server.command("PTTL", key)).slice(1));
    assert.ok(left <= 1000, `${left} ms`);
  });

  test("without Redis each server counts for itself", async () => {
    const [shared] = servers(3);
    await server.kill();
    await until(() => connections.every(({ isUp }) => !isUp));
    failures = 0;
    const answers = [];
    for (let request = 0; request < 4; request++) answers.push(await shared?.take("client"));
    assert.deepEqual(
      answers.map((taken) => taken?.retryAfterMs === 0),
      [true, true, true, false],
    );
    assert.equal(failures, 4);
    await server.start();
    await until(() => connections.every(({ isUp }) => isUp));
    // Redis has forgotten the script as well.
    assert.equal((await shared?.take("client"))?.retryAfterMs, 0);
    assert.equal(failures, 4);
  });
});
