import { createHash } from "node:crypto";
import { type RedisConnection, RedisError } from "../redis/connection.ts";
import type { Cache } from "./cache.ts";

/** Nothing stays in Redis permanently. */
const DEFAULT_TTL_MS = 30 * 24 * 3_600_000;

/** One named cache in Redis, shared by every server on it; `fallback` stands in while Redis is away. */
export class RedisCache implements Cache {
  readonly #name: string;
  readonly #redis: RedisConnection;
  readonly #fallback: Cache;
  readonly #onFailure: () => void;

  constructor(name: string, redis: RedisConnection, fallback: Cache, onFailure: () => void) {
    this.#name = name;
    this.#redis = redis;
    this.#fallback = fallback;
    this.#onFailure = onFailure;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#tryRedis(
      () => this.#redis.run(async (client) => (await client.get(this.#redisKey(key))) ?? undefined),
      () => this.#fallback.get(key),
    );
  }

  async set(key: string, value: Uint8Array, ttlMs = DEFAULT_TTL_MS): Promise<void> {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const expiration = { type: "PX" as const, value: Math.max(1, Math.ceil(ttlMs)) };
    await this.#tryRedis<unknown>(
      () => this.#redis.run((client) => client.set(this.#redisKey(key), bytes, { expiration })),
      () => this.#fallback.set(key, value, ttlMs),
    );
  }

  async #tryRedis<T>(ask: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      this.#onFailure();
      return otherwise();
    }
  }

  /** Keys are made of what clients wrote, which anyone who lists Redis' keys must not see. */
  #redisKey(key: string): string {
    return `llm-server:cache:${this.#name}:${createHash("sha256").update(key).digest("base64url")}`;
  }
}
