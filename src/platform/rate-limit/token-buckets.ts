import type { Clock } from "../clock.ts";

/** What became of one request. */
export interface Taken {
  /** Whole requests left. */
  readonly remaining: number;
  /** 0 when the request may proceed. */
  readonly retryAfterMs: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
}

/** A token bucket a client: a minute's requests at once, refilled evenly. */
export interface TokenBuckets {
  /** Takes one token of the client's. */
  take(client: string): Taken | Promise<Taken>;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Clients remembered; a full bucket carries no memory, so the longest untouched ones can go. */
const MAX_BUCKETS = 10_000;

/** Buckets in this process. */
export class MemoryTokenBuckets implements TokenBuckets {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  take(client: string): Taken {
    const now = this.#clock();
    const bucket = this.#buckets.get(client) ?? { tokens: this.#perMinute, filledAt: now };
    const refilled = (now - bucket.filledAt) / msPerToken(this.#perMinute);
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + refilled);
    bucket.filledAt = now;
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    this.#remember(client, bucket);
    return taken(isAllowed, bucket.tokens, this.#perMinute);
  }

  #remember(client: string, bucket: Bucket): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MAX_BUCKETS) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
  }
}

/** What a bucket with `tokens` left says to its client. */
export function taken(isAllowed: boolean, tokens: number, perMinute: number): Taken {
  return {
    remaining: Math.floor(tokens),
    retryAfterMs: isAllowed ? 0 : (1 - tokens) * msPerToken(perMinute),
    resetMs: (perMinute - tokens) * msPerToken(perMinute),
  };
}

function msPerToken(perMinute: number): number {
  return 60_000 / perMinute;
}
