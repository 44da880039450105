import type { RedisConnection } from "../redis/connection.ts";
import type { Cache, CacheObserver } from "./cache.ts";
import { MemoryCache } from "./memory-cache.ts";
import { RedisCache } from "./redis-cache.ts";

export interface CachesOptions {
  /** Bytes that all caches of this process may take together. */
  readonly memoryBytes: number;
  /** Where the caches are when it is given and up. */
  readonly redis?: RedisConnection | undefined;
  readonly observer: CacheObserver;
}

/** Where caches are: in this process, in Redis, or in this process because Redis is away. */
export const cacheStates = ["memory", "redis", "redis_unreachable"] as const;
export type CacheState = (typeof cacheStates)[number];

/** The server's caches: one store, which every feature uses under a name of its own. */
export class Caches {
  readonly #memory: MemoryCache;
  readonly #redis: RedisConnection | undefined;
  readonly #observer: CacheObserver;

  constructor({ memoryBytes, redis, observer }: CachesOptions) {
    this.#memory = new MemoryCache(memoryBytes);
    this.#redis = redis;
    this.#observer = observer;
  }

  get state(): CacheState {
    if (this.#redis === undefined) return "memory";
    return this.#redis.isUp ? "redis" : "redis_unreachable";
  }

  /** The cache of one feature, counted under `name`; its keys are apart from all others'. */
  named(name: string): Cache {
    const observer = this.#observer;
    const memory = this.#inMemory(name);
    const store =
      this.#redis === undefined
        ? memory
        : new RedisCache(name, this.#redis, memory, () => observer.cacheFailed(name));
    return {
      get: async (key) => {
        const value = await store.get(key);
        if (value === undefined) observer.cacheMissed(name);
        else observer.cacheHit(name);
        return value;
      },
      set: (key, value, ttlMs) => store.set(key, value, ttlMs),
    };
  }

  #inMemory(name: string): Cache {
    return {
      get: (key) => this.#memory.get(`${name}:${key}`),
      set: (key, value, ttlMs) => this.#memory.set(`${name}:${key}`, value, ttlMs),
    };
  }
}
