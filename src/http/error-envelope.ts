import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { ApiError, type ErrorCode, InvalidRequestError } from "../errors.ts";
import { allMistakes } from "./all-mistakes.ts";
import { describeValidation } from "./validation.ts";

/** The one shape of every error, readable by this contract's clients and by OpenAI's. */
export const ErrorEnvelope = Type.Object(
  {
    error: Type.Object({
      code: Type.String(),
      type: Type.String(),
      message: Type.String(),
      param: Type.Union([Type.String(), Type.Null()]),
      details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
    request_id: Type.String(),
  },
  {
    $id: "Error",
    description: "What went wrong, for people (`message`) and programs (`code`, `param`, `details`).",
  },
);
export type ErrorEnvelope = Static<typeof ErrorEnvelope>;

/** OpenAI's error types, which its clients switch on. */
const openaiTypes: Partial<Record<ErrorCode, string>> = {
  unauthorized: "authentication_error",
  forbidden: "permission_error",
  rate_limited: "rate_limit_error",
  internal_error: "server_error",
  not_implemented: "server_error",
  service_unavailable: "server_error",
};

export function toEnvelope(error: ApiError, requestId: string): ErrorEnvelope {
  return {
    error: {
      code: error.code,
      type: openaiTypes[error.code] ?? "invalid_request_error",
      message: error.message,
      param: error.param ?? null,
      ...(error.details !== undefined && { details: error.details }),
    },
    request_id: requestId,
  };
}

/**
 * Anything thrown, as an error that the client may read. A defect becomes a plain 500: its stack is for the log.
 * `bodyLimit`: bytes that a body may have on the route.
 */
export function toApiError(error: unknown, bodyLimit?: number): ApiError {
  if (error instanceof ApiError) return error;
  const { code, statusCode } = error as Partial<FastifyError>;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ApiError(
        "payload_too_large",
        `The body is larger than the ${bodyLimit} bytes accepted here.`,
        {
          details: { limit_bytes: bodyLimit },
          cause: error,
        },
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ApiError("unsupported_media_type", "Send the body as content-type: application/json.", {
        cause: error,
      });
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new InvalidRequestError("The body is not as long as its content-length says.", { cause: error });
  }
  if (statusCode === 400) return new InvalidRequestError((error as Error).message, { cause: error });
  return new ApiError("internal_error", "The server failed on this request; its log says why.", {
    cause: error,
  });
}

/** How an API writes an error. */
export type ErrorFormat = (
  error: ApiError,
  requestId: string,
) => { readonly status: number; readonly body: object };

/** This contract's form, which OpenAI's clients read. */
const envelope: ErrorFormat = (error, requestId) => ({
  status: error.status,
  body: toEnvelope(error, requestId),
});

export const sendError = errorSender(envelope);

/** An error handler that answers in an API's own form. */
export function errorSender(format: ErrorFormat) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const known = refusedInput(error, request) ?? toApiError(error, request.routeOptions.bodyLimit);
    // A client that leaves breaks off what reads from it: that is not a defect of this server.
    const level = request.context.signal.aborted ? "debug" : "error";
    if (known.code === "internal_error") request.log[level]({ err: error }, "request failed");
    request.context.account.failed(known);
    // What upstreams and databases say is for the operator: it may name users, addresses and keys.
    if (known.code === "service_unavailable" && known.cause instanceof Error)
      request.context.account.note({ cause: known.cause.message });
    // OpenAI's and Anthropic's clients send again what ends in a 503, unless they are told not to.
    if (known.details?.["reason"] === "cancelled") reply.header("x-should-retry", "false");
    if (known.retryAfterSeconds !== undefined) reply.header("retry-after", String(known.retryAfterSeconds));
    if (known.code === "unauthorized") reply.header("www-authenticate", "Bearer");
    if (known.code === "payload_too_large" && isTakenIn(request)) reply.removeHeader("connection");
    const { status, body } = format(known, request.id);
    reply.code(status).type("application/json; charset=utf-8").send(body);
  };
}

/** Bodies of up to so many times what is accepted are read to their end, and thrown away. */
const TAKEN_IN = 4;

/**
 * Whether the rest of a body is read though it was refused: a connection that is closed under a client that still sends is
 * a broken pipe to it, which it takes for a failure of the network and tries again.
 */
function isTakenIn({ headers, routeOptions: { bodyLimit } }: FastifyRequest): boolean {
  return Number(headers["content-length"]) <= TAKEN_IN * bodyLimit;
}

/** The mistakes of a request that its route's schema refuses. */
function refusedInput(error: unknown, request: FastifyRequest): InvalidRequestError | undefined {
  const { validation, validationContext = "body" } = error as Partial<FastifyError>;
  if (validation === undefined) return undefined;
  return describeValidation(allMistakes(request, validationContext, validation), validationContext);
}
