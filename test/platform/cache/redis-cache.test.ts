import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Caches } from "../../../src/platform/cache/caches.ts";
import { RedisConnection } from "../../../src/platform/redis/connection.ts";
import { RedisServer, skipWithoutRedis } from "../../support/redis-server.ts";
import { until } from "../../support/server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const silent = { info: () => {}, warn: () => {}, debug: () => {} };

describe("caches in Redis", { skip: skipWithoutRedis }, () => {
  let server: RedisServer;
  let redis: RedisConnection;
  let counts: string[];
  let caches: Caches;
  /** A busy machine may let Redis run late: only the test of a late Redis has little patience. */
  const connect = (commandTimeoutMs = 30_000) =>
    started(new RedisConnection({ url: server.url, commandTimeoutMs, log: silent }));
  const over = (connection: RedisConnection) =>
    new Caches({
      memoryBytes: 1_000_000,
      redis: connection,
      observer: {
        cacheHit: (name) => counts.push(`hit ${name}`),
        cacheMissed: (name) => counts.push(`miss ${name}`),
        cacheFailed: (name) => counts.push(`error ${name}`),
      },
    });
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.command("FLUSHALL");
    counts = [];
    redis = connect();
    caches = over(redis);
    await until(() => redis.isUp);
  });
  afterEach(() => redis.close());

  test("what one server keeps, another one finds, byte for byte", async () => {
    const value = new Uint8Array(1024).map((_, index) => index);
    await caches.named("embeddings").set("a", value);
    await using other = disposable(connect());
    await until(() => other.connection.isUp);
    const found = await over(other.connection).named("embeddings").get("a");
    assert.deepEqual(new Uint8Array(found ?? []), value);
    assert.equal(await caches.named("responses").get("a"), undefined);
    assert.deepEqual(counts, ["hit embeddings", "miss responses"]);
  });

  test("neither a key nor a part of it is readable in Redis", async () => {
    await caches.named("responses").set("a private prompt", bytes("x"));
    const keys = await server.keys();
    assert.equal(keys.length, 1);
    assert.match(keys[0] ?? "", /^llm-server:cache:responses:[A-Za-z0-9_-]{43}$/);
  });

  test("every entry has an end: the one that was asked for, or a month", async () => {
    const cache = caches.named("a");
    await cache.set("short", bytes("x"), 60_000);
    await cache.set("long", bytes("x"));
    const times = await Promise.all(
      (await server.keys()).map(async (key) => Number((await server.command("PTTL", key)).slice(1))),
    );
    const [short = 0, long = 0] = times.toSorted((a, b) => a - b);
    assert.ok(short > 0 && short <= 60_000, `${short} ms`);
    assert.ok(long > 60_000 && long <= 30 * 24 * 3_600_000, `${long} ms`);
  });

  test("a Redis that dies is replaced by this process's memory, counted, and used again when it is back", async () => {
    const cache = caches.named("a");
    await cache.set("before", bytes("in redis"));
    await server.kill();
    await until(() => !redis.isUp);
    assert.equal(caches.state, "redis_unreachable");
    await cache.set("during", bytes("in memory"));
    assert.deepEqual(await cache.get("during"), bytes("in memory"));
    assert.equal(await cache.get("before"), undefined);
    assert.deepEqual(counts, ["error a", "error a", "hit a", "error a", "miss a"]);

    await server.start();
    await until(() => redis.isUp);
    assert.equal(caches.state, "redis");
    counts = [];
    await cache.set("after", bytes("in redis"));
    assert.deepEqual(new Uint8Array((await cache.get("after")) ?? []), bytes("in redis"));
    assert.equal((await server.keys()).length, 1);
    assert.deepEqual(counts, ["hit a"]);
  });

  test("a late Redis holds up only the commands under way, and is used again when it answers", async () => {
    await using hasty = disposable(connect(100));
    const { connection } = hasty;
    await until(() => connection.isUp);
    const cache = over(connection).named("a");
    server.pause();
    try {
      // Without a deadline this would last as long as the pause does.
      await Promise.all([cache.get("one"), cache.get("two")]);
      assert.equal(connection.isUp, false);
      assert.deepEqual(counts.toSorted(), ["error a", "error a", "miss a", "miss a"]);
      await assert.rejects(
        connection.run((client) => client.ping()),
        /late|not connected/,
      );
    } finally {
      server.resume();
    }
    await until(() => connection.isUp);
  });

  test("a time in which this process itself was held up is not Redis's", async () => {
    await using hasty = disposable(connect(100));
    const { connection } = hasty;
    await until(() => connection.isUp);
    const answer = connection.run((client) => client.ping());
    const end = performance.now() + 300;
    while (performance.now() < end);
    assert.equal(String(await answer), "PONG");
  });

  test("a Redis that refuses a command is still there", async () => {
    await server.command("CONFIG", "SET", "maxmemory", "1");
    const cache = caches.named("a");
    await cache.set("key", bytes("kept here"));
    assert.deepEqual(counts, ["error a"]);
    assert.equal(redis.isUp, true);
    await server.command("CONFIG", "SET", "maxmemory", "0");
  });

  test("more commands than Redis can be expected to answer are not piled up", async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 10_001 }, () => redis.run((client) => client.ping())),
    );
    const refused = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    assert.ok(refused.some(({ reason }) => /too many/.test(reason.message)));
  });

  test("a Redis that takes connections and answers none of them is given up, and no connection is left open", async () => {
    const debug: string[] = [];
    server.pause();
    const log = { ...silent, debug: (text: string) => debug.push(text) };
    const connection = started(new RedisConnection({ url: server.url, commandTimeoutMs: 100, log }));
    await until(() => debug.length > 0);
    assert.match(debug[0] ?? "", /no answer within 1000 ms/);
    await connection.close();
    server.resume();
    // This test's own and the connection of `redis`, once that is back.
    await until(() => redis.isUp);
    await until(async () => (await server.command("CLIENT", "LIST")).match(/ addr=/g)?.length === 2);
  });

  test("a wrong password is an outage like any other, and is said once", async () => {
    const warnings: string[] = [];
    const debug: string[] = [];
    const log = {
      ...silent,
      warn: (text: string) => warnings.push(text),
      debug: (text: string) => debug.push(text),
    };
    const url = server.url.replace("redis://", "redis://user:marker-password@");
    const connection = started(new RedisConnection({ url, commandTimeoutMs: 100, log }));
    await until(() => debug.length > 0);
    await connection.close();
    assert.equal(connection.isUp, false);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /Redis is away \(WRONGPASS/);
    assert.doesNotMatch([...warnings, ...debug].join(), /marker-password/);
  });
});

function started(connection: RedisConnection): RedisConnection {
  connection.start();
  return connection;
}

function disposable(connection: RedisConnection) {
  return { connection, [Symbol.asyncDispose]: () => connection.close() };
}
