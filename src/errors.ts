/**
 * Errors of the domain. Anything below the HTTP edge throws one of these; `http/error-envelope.ts` is the one
 * place that turns them into the contract's envelope.
 */

export type ErrorCode =
  | "invalid_request"
  | "context_length_exceeded"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "payload_too_large"
  | "unsupported_media_type"
  | "rate_limited"
  | "internal_error"
  | "not_implemented"
  | "service_unavailable";

const statusOfCode = {
  invalid_request: 400,
  context_length_exceeded: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal_error: 500,
  not_implemented: 501,
  service_unavailable: 503,
} as const satisfies Record<ErrorCode, number>;

export interface ApiErrorOptions {
  /** The field at fault, in the client's own words: `temperature`, `messages[2].content`. */
  readonly param?: string;
  /** Machine-readable particulars; never a secret, a prompt or a stack. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Whole seconds after which a retry is worth trying. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An error that the client is meant to read: a contract code, a message, and what a program needs to react. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.param = options.param;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return statusOfCode[this.code];
  }
}

export class InvalidRequestError extends ApiError {
  override readonly name = "InvalidRequestError";
  constructor(message: string, options: ApiErrorOptions = {}) {
    super("invalid_request", message, options);
  }
}

/** Why the server can't serve now; `details.reason` of every 503. */
export type UnavailableReason =
  | "loading_model"
  | "model_unavailable"
  | "model_busy"
  | "engine_restarting"
  | "engine_failed"
  | "queue_full"
  | "queue_timeout"
  | "request_timeout"
  | "draining"
  | "cancelled"
  | "judge_failed"
  | "store_unavailable"
  | "index_not_ready";

export class UnavailableError extends ApiError {
  override readonly name = "UnavailableError";
  readonly reason: UnavailableReason;
  constructor(reason: UnavailableReason, message: string, options: ApiErrorOptions = {}) {
    super("service_unavailable", message, {
      retryAfterSeconds: 1,
      ...options,
      details: { ...options.details, reason },
    });
    this.reason = reason;
  }
}

/** What is said of an error where no envelope carries it. */
export interface ErrorWords {
  readonly code: string;
  readonly message: string;
}

/** The words of errors that are meant to be read, and of a defect only that it is one. */
export function errorWords(error: unknown): ErrorWords {
  if (error instanceof UnavailableError) return { code: error.reason, message: error.message };
  if (error instanceof ApiError) return { code: error.code, message: error.message };
  return { code: "internal_error", message: "A defect of the server; its log has the particulars." };
}
