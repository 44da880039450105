import type { KvLayout, KvLayoutChoice } from "../kv-layout.ts";
import { countTokens, type ScopedTokens } from "./common-tokens.ts";

/** Requests from which on it matters what they have in common. */
const MIN_REQUESTS = 3;
/** Tokens held several times, over the different ones, from which on a shared buffer is chosen, and below which it is left. */
const SHARE_FROM = 2.5;
const SHARE_UNTIL = 1.5;
/** Tokens that must be held several times: reading fewer again costs less than the change. */
const MIN_REPEATED_TOKENS = 1024;
/** A change is paid for by this many times as long without one. */
const COST_SHARE = 20;
/** Until another one is tried where memory for it was lacking. */
const RETRY_MS = 600_000;

/**
 * Chooses the layout by what running and waiting requests have in common. The two bounds are apart, and changes are as
 * rare as their cost asks for: traffic in between does not make it waver.
 */
export class LayoutChoice {
  #layout: KvLayout = "separate";
  #nextChangeAt = Number.NEGATIVE_INFINITY;

  /** The layout that would suit `requests` better than the one in use; undefined where none does. */
  better(requests: readonly ScopedTokens[], now: number): KvLayoutChoice | undefined {
    if (requests.length < MIN_REQUESTS || now < this.#nextChangeAt) return undefined;
    const { all, different } = countTokens(requests);
    const factor = all / different;
    const held = `${requests.length} requests held ${all} tokens, ${different} different ones`;
    if (this.#layout === "separate" && factor >= SHARE_FROM && all - different >= MIN_REPEATED_TOKENS)
      return { layout: "shared", reason: held };
    if (this.#layout === "shared" && factor < SHARE_UNTIL) return { layout: "separate", reason: held };
    return undefined;
  }

  /** There was no room for another one. */
  failed(now: number): void {
    this.#nextChangeAt = now + RETRY_MS;
  }

  /** The layout was changed, which took `ms` until `now`. */
  changed(layout: KvLayout, ms: number, now: number): void {
    this.#layout = layout;
    this.#nextChangeAt = now + COST_SHARE * ms;
  }
}
