import type { LatencyParts } from "../latency-parts.ts";

/** One request, as the ledger keeps it: counts, times, causes; never text of prompts or answers, never a key. */
export interface LedgerRow {
  /** UUID of version 7 of the time of arrival. Clients may repeat their own ids, so `requestId` is not unique. */
  readonly id: string;
  readonly requestId: string;
  /** Arrival, in whole milliseconds since 1970; the same as in `id`. */
  readonly at: number;
  /** The route's pattern. */
  readonly route: string;
  readonly stream: boolean;
  /** First 8 hexadecimal digits of the key's SHA-256; null without a key. */
  readonly key: string | null;
  readonly model: string | null;
  readonly status: number;
  readonly error: string | null;
  readonly reason: string | null;
  readonly finishReason: string | null;
  /** An earlier answer; nothing was computed. */
  readonly cached: boolean;
  readonly generations: number;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** First byte in to the last byte handed over. */
  readonly latencyMs: number;
  /** Null where no token was generated. */
  readonly timeToFirstTokenMs: number | null;
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Energy of its steps; null where it is not measured. */
  readonly joules: number | null;
  readonly limiter: string | null;
  /** Share of the latency that the limiter has, 0 to 1. */
  readonly limiterShare: number | null;
  /** Empty where nothing was generated. */
  readonly parts: LatencyParts;
}
