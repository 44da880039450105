import { Agent, fetch, type RequestInit, type Response } from "undici";

export { FormData, type RequestInit, type Response } from "undici";

/** By default `fetch` fails when an answer's headers, or its next bytes, take longer than 300 s, however long its caller would wait. */
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** `fetch` without time limits of its own: only `signal` ends the wait. */
export function patientFetch(
  url: string,
  init: RequestInit & { readonly signal: AbortSignal | null },
): Promise<Response> {
  return fetch(url, { ...init, dispatcher });
}
