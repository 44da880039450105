import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheScope } from "../../src/http/cache-scope.ts";

test("all requests share the cache on loopback; elsewhere each key and prompt_cache_key has its own", () => {
  assert.equal(cacheScope("auto", "127.0.0.1", "k1", { prompt_cache_key: "u" }), "");
  assert.equal(cacheScope("server", "0.0.0.0", "k1", undefined), "");
  const scopes = [
    cacheScope("auto", "0.0.0.0", undefined, undefined),
    cacheScope("auto", "0.0.0.0", "k1", undefined),
    cacheScope("auto", "0.0.0.0", "k2", { prompt_cache_key: 3 }),
    cacheScope("key", "127.0.0.1", "k1", { prompt_cache_key: "a" }),
    cacheScope("key", "127.0.0.1", "k1", { prompt_cache_key: "b" }),
    cacheScope("key", "127.0.0.1", 'k1","a', {}),
  ];
  assert.equal(new Set(scopes).size, scopes.length);
  assert.ok(!scopes.includes(""));
});
