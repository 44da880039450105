import type { Cache, CacheObserver } from "./cache.ts";
import { MemoryCache } from "./memory-cache.ts";

export interface CachesOptions {
  /** Bytes that all caches of this process may take together. */
  readonly memoryBytes: number;
  readonly observer: CacheObserver;
}

/** The server's caches: one store, which every feature uses under a name of its own. */
export class Caches {
  readonly #memory: MemoryCache;
  readonly #observer: CacheObserver;

  constructor({ memoryBytes, observer }: CachesOptions) {
    this.#memory = new MemoryCache(memoryBytes);
    this.#observer = observer;
  }

  /** The cache of one feature, counted under `name`; its keys are apart from all others'. */
  named(name: string): Cache {
    return {
      get: async (key) => {
        const value = await this.#memory.get(`${name}:${key}`);
        if (value === undefined) this.#observer.cacheMissed(name);
        else this.#observer.cacheHit(name);
        return value;
      },
      set: (key, value, ttlMs) => this.#memory.set(`${name}:${key}`, value, ttlMs),
    };
  }
}
