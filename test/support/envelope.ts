import assert from "node:assert/strict";
import type { ErrorEnvelope } from "../../src/http/error-envelope.ts";

export interface Expected {
  readonly status: number;
  readonly code: string;
  readonly param?: string | null;
}

/** Asserts that `response` is the contract's error, whole and without a stack, and returns it. */
export async function assertError(response: Response, expected: Expected): Promise<ErrorEnvelope> {
  const text = await response.text();
  assert.equal(response.status, expected.status, text.slice(0, 500));
  const body = JSON.parse(text) as ErrorEnvelope;
  assert.equal(body.error.code, expected.code, text.slice(0, 500));
  assert.ok(body.error.message.length > 0);
  assert.match(body.error.type, /^[a-z_]+_error$/);
  if (expected.param !== undefined) assert.equal(body.error.param, expected.param, text.slice(0, 500));
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(body.request_id, response.headers.get("x-request-id"));
  assert.match(response.headers.get("x-latency-ms") ?? "", /^\d+$/);
  assertNoStack(text);
  if (expected.status === 503 || expected.status === 429) {
    assert.ok(Number(response.headers.get("retry-after")) >= 1, "a refusal says when to try again");
  }
  return body;
}

export function assertNoStack(text: string): void {
  assert.doesNotMatch(text, /\n\s+at |\.[tj]s:\d+|node_modules|file:\/\//, text.slice(0, 500));
}
