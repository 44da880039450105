import { Type } from "typebox";
import type { ApiError, ErrorCode } from "../../errors.ts";

const types: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "invalid_request_error",
  context_length_exceeded: "invalid_request_error",
  unauthorized: "authentication_error",
  forbidden: "permission_error",
  not_found: "not_found_error",
  method_not_allowed: "invalid_request_error",
  conflict: "invalid_request_error",
  payload_too_large: "request_too_large",
  unsupported_media_type: "invalid_request_error",
  rate_limited: "rate_limit_error",
  internal_error: "api_error",
  not_implemented: "api_error",
  service_unavailable: "overloaded_error",
};

/** The form of every error of Anthropic's routes. */
export const anthropicError = {
  type: Type.String(),
  error: Type.Object({
    type: Type.String(),
    message: Type.String(),
    code: Type.String({ description: "Extra." }),
    param: Type.Optional(Type.String({ description: "Extra." })),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: "Extra." })),
  }),
  request_id: Type.String(),
};

/** Anthropic's status for a service that can't take a request now. */
const OVERLOADED = 529;

/** An error in the form of Anthropic's API, with this server's code and particulars beside. */
export function toAnthropicError(error: ApiError, requestId: string): { status: number; body: object } {
  const { code, param, details } = error;
  return {
    status: code === "service_unavailable" ? OVERLOADED : error.status,
    body: {
      type: "error",
      error: {
        type: types[code],
        message: messageOf(error),
        code,
        ...(param !== undefined && { param }),
        ...(details !== undefined && { details }),
      },
      request_id: requestId,
    },
  };
}

/** Agents know by these words that they must shorten their history. */
function messageOf({ code, details, message, param }: ApiError): string {
  const { prompt_tokens: tokens, context_window: window } = details ?? {};
  return code === "context_length_exceeded" && param === "messages"
    ? `prompt is too long: ${tokens} tokens > ${window} maximum`
    : message;
}
