import type { CacheWay } from "../cache-report.ts";
import type { CacheTier } from "../cache-tier.ts";
import type { Slot } from "./slots.ts";

/** A sequence that a request got, and what it has of the prompt. */
export interface Reservation {
  readonly slot: Slot;
  /** Leading prompt tokens whose keys and values are there already. */
  readonly cachedTokens: number;
  /** Leading tokens in common with what some sequence holds, whether they could be taken over or not. */
  readonly knownTokens: number;
  /** Leading tokens in common with what is saved elsewhere. */
  readonly savedTokens: number;
  /** Where they came from; undefined where there are none. */
  readonly cachedFrom: CacheTier | undefined;
  readonly source: Source | undefined;
}

/** What cached tokens were taken from. */
export interface Source {
  readonly way: CacheWay;
  /** The request that had left them. */
  readonly owner: number | undefined;
  /** When that last had them; undefined for what is saved elsewhere. */
  readonly lastUsedAt: number | undefined;
}

/** Tokens that gave way, and that no other sequence holds. */
export interface Loss {
  readonly kvSequence: number;
  readonly owner: number | undefined;
  /** How many, from the `kept`th on. */
  readonly tokens: number;
  readonly kept: number;
  /** They can be had from elsewhere. */
  readonly isSaved: boolean;
  readonly cause: "overwritten" | "trimmed";
}
