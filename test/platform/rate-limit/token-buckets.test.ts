import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { MemoryTokenBuckets } from "../../../src/platform/rate-limit/token-buckets.ts";

describe("a limit of 60 requests a minute", () => {
  let now = 0;
  let buckets: MemoryTokenBuckets;
  beforeEach(() => {
    now = 1_000;
    buckets = new MemoryTokenBuckets(60, () => now);
  });

  test("gives a new client the whole minute's requests at once, and no more", () => {
    for (let left = 59; left >= 0; left--) assert.equal(buckets.take("a").remaining, left);
    const refused = buckets.take("a");
    assert.equal(refused.remaining, 0);
    assert.equal(refused.retryAfterMs, 1000);
    assert.equal(refused.resetMs, 60_000);
  });

  test("gives a request back each second, and none for those refused meanwhile", () => {
    for (let count = 0; count < 60; count++) buckets.take("a");
    now += 500;
    assert.equal(buckets.take("a").retryAfterMs, 500);
    now += 500;
    assert.equal(buckets.take("a").retryAfterMs, 0);
    assert.ok(buckets.take("a").retryAfterMs > 0);
  });

  test("is full again after a minute, and never fuller", () => {
    for (let count = 0; count < 60; count++) buckets.take("a");
    now += 3_600_000;
    assert.equal(buckets.take("a").remaining, 59);
  });

  test("counts clients apart", () => {
    for (let count = 0; count < 61; count++) buckets.take("a");
    assert.equal(buckets.take("b").remaining, 59);
  });

  test("remembers a bounded number of clients, the latest ones", () => {
    for (let count = 0; count < 61; count++) buckets.take("old");
    for (let client = 0; client < 10_000; client++) buckets.take(`client ${client}`);
    assert.equal(buckets.take("old").remaining, 59);
    assert.equal(buckets.take("client 9999").remaining, 58);
  });
});
