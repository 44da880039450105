import type { EvictionView } from "../cache-report.ts";
import type { Loss } from "./reservation.ts";

/** Evictions that are remembered. */
const REMEMBERED = 200;

interface Eviction extends Loss {
  readonly at: number;
  /** The request that took the place. */
  readonly by: number | undefined;
  wantedTokens: number;
}

/** What gave way in the cache, and whether it was missed later. */
export class Evictions {
  /** Oldest first. */
  #all: Eviction[] = [];

  /** `by` is the request that took the place of what was overwritten. */
  record(losses: readonly Loss[], by: number | undefined, now: number): void {
    for (const loss of losses) {
      const cause = loss.cause === "overwritten" ? by : undefined;
      this.#all.push({ ...loss, at: now, by: cause, wantedTokens: 0 });
    }
    this.#all = this.#all.slice(-REMEMBERED);
  }

  /** A prompt would have taken `tokens` more from what `owner` had, which is lost. Says where it was lost. */
  missed(
    owner: number | undefined,
    tokens: number,
  ): { readonly at: number; readonly by: number | undefined } | undefined {
    const eviction = this.#all.findLast((other) => other.owner === owner);
    if (eviction !== undefined) eviction.wantedTokens += tokens;
    return eviction;
  }

  /** The latest first. */
  describe(now: number): EvictionView<number>[] {
    return this.#all
      .map(({ at, owner, by, kvSequence, tokens, kept, isSaved, wantedTokens }) => ({
        agoMs: now - at,
        kvSequence,
        request: owner,
        by,
        tokens,
        kept,
        isSaved,
        wantedTokens,
      }))
      .reverse();
  }
}
