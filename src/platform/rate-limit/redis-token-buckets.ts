import { createHash } from "node:crypto";
import { type RedisClient, type RedisConnection, RedisError } from "../redis/connection.ts";
import { type Taken, type TokenBuckets, taken } from "./token-buckets.ts";

/**
 * Takes one token, in one step for all servers on this Redis and by its clock. Does what `MemoryTokenBuckets.take`
 * does; a bucket that has had the time to fill up is forgotten.
 */
const SCRIPT = `
local limit = tonumber(ARGV[1])
local ms_per_token = 60000 / limit
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'filled_at')
local tokens = tonumber(bucket[1]) or limit
local filled_at = tonumber(bucket[2]) or now
tokens = math.min(limit, tokens + math.max(0, now - filled_at) / ms_per_token)
local allowed = tokens >= 1
if allowed then tokens = tokens - 1 end
local left = string.format('%.17g', tokens)
redis.call('HSET', KEYS[1], 'tokens', left, 'filled_at', string.format('%.17g', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((limit - tokens) * ms_per_token))
return { allowed and 1 or 0, left }
`;
const DIGEST = createHash("sha1").update(SCRIPT).digest("hex");

/** Buckets that all servers on one Redis share; `fallback` counts while Redis is away. */
export class RedisTokenBuckets implements TokenBuckets {
  readonly #perMinute: number;
  readonly #redis: RedisConnection;
  readonly #fallback: TokenBuckets;
  readonly #onFailure: () => void;

  constructor(perMinute: number, redis: RedisConnection, fallback: TokenBuckets, onFailure: () => void) {
    this.#perMinute = perMinute;
    this.#redis = redis;
    this.#fallback = fallback;
    this.#onFailure = onFailure;
  }

  async take(client: string): Promise<Taken> {
    const key = `llm-server:rate:${createHash("sha256").update(client).digest("base64url")}`;
    try {
      const reply = await this.#redis.run((redis) => runScript(redis, key, String(this.#perMinute)));
      const [allowed, left] = reply as [number, Buffer];
      return taken(allowed === 1, Number(left.toString()), this.#perMinute);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      this.#onFailure();
      return this.#fallback.take(client);
    }
  }
}

/** By its digest, and whole where Redis has not seen it since its start. */
async function runScript(redis: RedisClient, key: string, limit: string): Promise<unknown> {
  const options = { keys: [key], arguments: [limit] };
  try {
    return await redis.evalSha(DIGEST, options);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return redis.eval(SCRIPT, options);
  }
}
