import assert from "node:assert/strict";
import { test } from "node:test";
import { toAnthropicError } from "../../../src/dialects/anthropic/errors.ts";
import { ApiError, type ErrorCode } from "../../../src/errors.ts";

test("every error has the type and the status that Anthropic's clients know it by", () => {
  const expected: Readonly<Record<ErrorCode, readonly [status: number, type: string]>> = {
    invalid_request: [400, "invalid_request_error"],
    context_length_exceeded: [400, "invalid_request_error"],
    unauthorized: [401, "authentication_error"],
    forbidden: [403, "permission_error"],
    not_found: [404, "not_found_error"],
    method_not_allowed: [405, "invalid_request_error"],
    conflict: [409, "invalid_request_error"],
    payload_too_large: [413, "request_too_large"],
    unsupported_media_type: [415, "invalid_request_error"],
    rate_limited: [429, "rate_limit_error"],
    internal_error: [500, "api_error"],
    not_implemented: [501, "api_error"],
    service_unavailable: [529, "overloaded_error"],
  };
  for (const [code, [status, type]] of Object.entries(expected)) {
    const error = toAnthropicError(new ApiError(code as ErrorCode, "why"), "request");
    assert.equal(error.status, status, code);
    assert.deepEqual(error.body, {
      type: "error",
      error: { type, message: "why", code },
      request_id: "request",
    });
  }
});
