import { isLoopback } from "./host-check.ts";

/** Who shares the KV cache; `auto` is all requests where only this machine reaches the server, else each key for itself. */
export type CacheSharing = "auto" | "server" | "key";

/**
 * What separates the KV cache of a request from others'; empty where all requests share it. Within one key
 * `prompt_cache_key`, which OpenAI's API takes as a hint, separates the users of an application.
 */
export function cacheScope(
  sharing: CacheSharing,
  host: string,
  keyId: string | undefined,
  body: unknown,
): string {
  const isShared = sharing === "server" || (sharing === "auto" && isLoopback(host));
  if (isShared) return "";
  const promptCacheKey =
    typeof body === "object" && body !== null && "prompt_cache_key" in body
      ? body.prompt_cache_key
      : undefined;
  return JSON.stringify([keyId ?? null, typeof promptCacheKey === "string" ? promptCacheKey : null]);
}
