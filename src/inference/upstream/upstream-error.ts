interface UpstreamErrorOptions {
  readonly status?: number | undefined;
  /** The upstream's own code and field, where it gave them. */
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  readonly isTransient?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** What an upstream did instead of answering. The message completes "The upstream …". */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** The same request may succeed later. */
  readonly isTransient: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: UpstreamErrorOptions) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.param = options.param;
    this.isTransient = options.isTransient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** True for a 400 that says that it does not know `field`. */
  isAbout(field: string): boolean {
    return this.status === 400 && (this.param?.includes(field) === true || this.message.includes(field));
  }
}
