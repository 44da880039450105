import { LRUCache } from "lru-cache";
import type { Cache } from "./cache.ts";

/** What one entry costs beside its key and value: nodes of the map and the list. */
const ENTRY_OVERHEAD_BYTES = 200;

/** A cache in this process, bounded by bytes; the longest unused entries go first. */
export class MemoryCache implements Cache {
  readonly #entries: LRUCache<string, Uint8Array>;

  /** A value larger than `maxBytes` is not kept; with 0, none is. */
  constructor(maxBytes: number) {
    this.#entries = new LRUCache({
      // 0 would mean no bound.
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (value, key) => value.byteLength + 2 * key.length + ENTRY_OVERHEAD_BYTES,
    });
  }

  /** Bytes in use. */
  get size(): number {
    return this.#entries.calculatedSize;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#entries.get(key);
  }

  async set(key: string, value: Uint8Array, ttlMs?: number): Promise<void> {
    // A copy: a view would keep its whole buffer alive, uncounted.
    this.#entries.set(key, new Uint8Array(value), ttlMs === undefined ? {} : { ttl: ttlMs });
  }
}
