import { patientFetch } from "../platform/patient-fetch.ts";

/** Posts JSON to a running server. @throws Error with its message when it refuses, or does not answer */
export async function askServer<T>(server: string, path: string, body: object, apiKey: string): Promise<T> {
  const response = await patientFetch(new URL(path, server).href, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": apiKey },
    body: JSON.stringify(body),
    signal: null,
  }).catch((error: unknown) => {
    throw new Error(`${server} does not answer: ${(error as Error).message}`, { cause: error });
  });
  const answer = await response.json();
  if (response.ok) return answer as T;
  const { error } = answer as { readonly error?: { readonly message?: string } };
  throw new Error(error?.message ?? `The server answered ${response.status}.`);
}
