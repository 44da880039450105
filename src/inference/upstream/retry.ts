const FIRST_PAUSE_MS = 500;
/** Longest pause between two tries. */
const MAX_PAUSE_MS = 30_000;

/** Pause after failed try `attempt` (from 1): doubles each time, and is somewhere in its upper half. */
export function backoffMs(attempt: number, random: () => number): number {
  const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
  return longest * (0.5 + random() / 2);
}

/** A `Retry-After` header, seconds or a date, as a pause of at most half a minute; undefined when it is neither. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_PAUSE_MS);
}
