import assert from "node:assert/strict";
import { test } from "node:test";
import { Caches } from "../../../src/platform/cache/caches.ts";
import { MemoryCache } from "../../../src/platform/cache/memory-cache.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a value comes back as it was, and an unknown key as nothing", async () => {
  const cache = new MemoryCache(10_000);
  await cache.set("a", bytes("one"));
  assert.deepEqual(await cache.get("a"), bytes("one"));
  assert.equal(await cache.get("b"), undefined);
});

test("memory is bounded by bytes, and the longest unused entry goes first", async () => {
  const cache = new MemoryCache(10_000);
  for (const key of ["a", "b", "c"]) await cache.set(key, new Uint8Array(3000));
  await cache.get("a");
  await cache.set("d", new Uint8Array(3000));
  assert.equal(await cache.get("b"), undefined);
  for (const key of ["a", "c", "d"]) assert.equal((await cache.get(key))?.byteLength, 3000, key);
  for (let key = 0; key < 1000; key++) {
    await cache.set(`key ${key}`, new Uint8Array(key));
    assert.ok(cache.size <= 10_000, `${cache.size} bytes`);
  }
});

test("a value larger than the whole cache is not kept, and drives nothing else out", async () => {
  const cache = new MemoryCache(10_000);
  await cache.set("small", bytes("kept"));
  await cache.set("large", new Uint8Array(20_000));
  assert.equal(await cache.get("large"), undefined);
  assert.deepEqual(await cache.get("small"), bytes("kept"));
});

test("a cache without memory keeps nothing", async () => {
  const cache = new MemoryCache(0);
  await cache.set("a", bytes(""));
  assert.equal(await cache.get("a"), undefined);
});

test("what the giver does with its buffer afterwards does not reach the cache", async () => {
  const cache = new MemoryCache(10_000);
  const buffer = Buffer.from("one");
  await cache.set("a", buffer);
  buffer.fill("x");
  const kept = await cache.get("a");
  assert.deepEqual(kept, bytes("one"));
  assert.equal(kept?.buffer.byteLength, 3, "no larger buffer behind a small value");
});

test("caches of several names keep their keys and their counts apart", async () => {
  const counts: string[] = [];
  const caches = new Caches({
    memoryBytes: 10_000,
    observer: {
      cacheHit: (name) => counts.push(`hit ${name}`),
      cacheMissed: (name) => counts.push(`miss ${name}`),
      cacheFailed: (name) => counts.push(`error ${name}`),
    },
  });
  const vectors = caches.named("embeddings");
  const answers = caches.named("responses");
  await vectors.set("a", bytes("vector"));
  assert.equal(await answers.get("a"), undefined);
  assert.deepEqual(await vectors.get("a"), bytes("vector"));
  assert.deepEqual(counts, ["miss responses", "hit embeddings"]);
});
