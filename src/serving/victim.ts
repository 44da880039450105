/** A model in memory, as far as the choice of what to unload goes by it. */
export interface Resident {
  readonly bytes: number;
  /** Nothing runs on it and nothing else is being done with it. */
  readonly isIdle: boolean;
  readonly isPinned: boolean;
  /** On the pool's clock: not to be unloaded before, unless it is idle past its keep-alive. */
  readonly keepUntil: number;
  /** When its keep-alive runs out; `Infinity` for one that has none. */
  readonly expiresAt: number;
  /** Time that loading it again would take. */
  readonly reloadMs: number;
  /** Requests lately, older ones counting less. */
  readonly recentUses: number;
}

/**
 * What to unload to have `bytes` more free: what has outlived its keep-alive first, then what is cheapest per byte to load
 * again. Empty when nothing needs to go; undefined when all that may go is not enough. A busy, loading or pinned model is
 * never chosen.
 */
export function chooseVictims<R extends Resident>(
  residents: readonly R[],
  bytes: number,
  now: number,
): readonly R[] | undefined {
  const hasExpired = (resident: R) => now >= resident.expiresAt;
  const cost = ({ reloadMs, recentUses, bytes: size }: R) => (reloadMs * recentUses) / Math.max(1, size);
  const candidates = residents
    .filter((one) => one.isIdle && !one.isPinned && (now >= one.keepUntil || hasExpired(one)))
    .toSorted((a, b) => Number(hasExpired(b)) - Number(hasExpired(a)) || cost(a) - cost(b));
  const chosen: R[] = [];
  let missing = bytes;
  for (const candidate of candidates) {
    if (missing <= 0) break;
    chosen.push(candidate);
    missing -= candidate.bytes;
  }
  if (missing > 0) return undefined;
  // A large one chosen late may have made earlier ones needless.
  for (const small of chosen.toSorted((a, b) => a.bytes - b.bytes)) {
    if (missing + small.bytes > 0) continue;
    missing += small.bytes;
    chosen.splice(chosen.indexOf(small), 1);
  }
  return chosen;
}
