import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceRate } from "../../../src/inference/generation/service-rate.ts";

test("a refused client waits as long as the requests before it take, between one second and a minute", () => {
  const rate = new ServiceRate();
  assert.equal(rate.retryAfterSeconds(100, 0), 1);
  for (let count = 0; count < 10; count++) rate.completed(count * 1000);
  assert.equal(rate.retryAfterSeconds(5, 10_000), 5);
  assert.equal(rate.retryAfterSeconds(0, 10_000), 1);
  assert.equal(rate.retryAfterSeconds(100_000, 10_000), 60);
});

test("an hour without requests does not make the server look slow", () => {
  const rate = new ServiceRate();
  for (let count = 1; count <= 10; count++) rate.completed(count * 1000);
  rate.pause(10_000);
  rate.resume(3_610_000);
  assert.equal(rate.retryAfterSeconds(5, 3_611_000), 5);
});
