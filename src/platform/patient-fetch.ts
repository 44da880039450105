import type { Agent, RequestInit, Response } from "undici";

export type { RequestInit, Response } from "undici";

let dispatcher: Agent | undefined;

/** `fetch` without time limits of its own: only `signal` ends the wait. */
export async function patientFetch(
  url: string,
  init: RequestInit & { readonly signal: AbortSignal | null },
): Promise<Response> {
  // Most servers never ask another one anything.
  const { Agent, fetch } = await import("undici");
  // By default `fetch` fails when an answer's headers, or its next bytes, take longer than 300 s.
  dispatcher ??= new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  return fetch(url, { ...init, dispatcher });
}
