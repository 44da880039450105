import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "../../src/http/rate-limit.ts";

test("one network of IPv6 is one client, and every address of IPv4 its own", () => {
  for (const address of ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"])
    assert.equal(networkOf(address), "2001:db8:1:2");
  assert.equal(networkOf("2001:db8::7"), "2001:db8:0:0");
  assert.equal(networkOf("::1"), "0:0:0:0");
  assert.equal(networkOf("::ffff:10.0.0.7"), "::ffff:10.0.0.7");
  assert.equal(networkOf("10.0.0.7"), "10.0.0.7");
});
