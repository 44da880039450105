/**
 * The cache port: bytes by key, every value can be recomputed, so failures never surface: what can't be read is a miss,
 * what can't be kept is computed again.
 */
export interface Cache {
  /** The value kept under `key`, not to be changed. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keeps `value`, for `ttlMs` when given and as long as there is room. */
  set(key: string, value: Uint8Array, ttlMs?: number): Promise<void>;
}

/** Told what becomes of look-ups, by the cache's name. */
export interface CacheObserver {
  cacheHit(name: string): void;
  cacheMissed(name: string): void;
  cacheFailed(name: string): void;
}
