import type { ErrorEnvelope } from "../../../src/http/error-envelope.ts";

/** An answer of the server that is an error, in its own words. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;

  constructor(status: number, envelope: Partial<ErrorEnvelope>) {
    const { error, request_id } = envelope;
    super(error?.message ?? `The server answered ${status}, and not in the way that it answers errors.`);
    this.status = status;
    this.code = error?.code ?? "unknown";
    this.param = error?.param ?? null;
    this.details = error?.details ?? {};
    this.requestId = request_id ?? null;
  }
}

/** The server did not answer at all: it restarts, or the network is away. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** What a page shows of a call that failed. @throws `thrown` itself where that is a defect of the console */
export function failureOf(thrown: unknown): ApiFailure | Unreachable {
  if (thrown instanceof ApiFailure || thrown instanceof Unreachable) return thrown;
  throw thrown;
}

export interface Call {
  readonly method?: "GET" | "POST" | "DELETE" | "PUT";
  /** Sent as JSON, unless it is a form. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

const unauthorized = new Set<() => void>();

/** Calls `listener` whenever the server asks for a key. */
export function onUnauthorized(listener: () => void): void {
  unauthorized.add(listener);
}

/** @throws ApiFailure, Unreachable, or an AbortError when `signal` aborts */
export async function send(path: string, { method = "GET", body, signal }: Call = {}): Promise<Response> {
  const isForm = body instanceof FormData;
  const response = await fetch(path, {
    method,
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    ...(body !== undefined && !isForm && { headers: { "content-type": "application/json" } }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("The server does not answer.", { cause: error });
  });
  if (response.ok) return response;
  const failure = new ApiFailure(response.status, await envelopeOf(response));
  if (failure.status === 401) for (const listener of unauthorized) listener();
  throw failure;
}

/** The JSON of a successful answer. */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  return (await send(path, options)).json() as Promise<T>;
}

async function envelopeOf(response: Response): Promise<Partial<ErrorEnvelope>> {
  const text = await response.text();
  if (!(response.headers.get("content-type") ?? "").includes("json")) return {};
  return JSON.parse(text) as Partial<ErrorEnvelope>;
}
