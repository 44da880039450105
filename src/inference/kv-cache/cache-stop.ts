import type { CacheStop } from "../cache-report.ts";
import { MIN_COPIED_TOKENS } from "./slots.ts";
import type { LongestMatch } from "./token-tree.ts";

/** What there was of a prompt when its request got a sequence, in leading tokens. */
export interface Finding {
  readonly promptTokens: number;
  /** Up to where its logits are wanted. */
  readonly shareableTokens: number;
  readonly cachedTokens: number;
  /** In common with what some sequence holds, and with what is saved elsewhere. */
  readonly knownTokens: number;
  readonly savedTokens: number;
  /** In common with a remembered request, which may be running still. */
  readonly best: LongestMatch;
  readonly isBestRunning: boolean;
  /** It is computed from nothing. */
  readonly isAlone: boolean;
  /** Whether a sequence can be cut at any token. */
  readonly canCut: boolean;
}

/** Why the cache had so much of a prompt and no more. */
export function cacheStop(found: Finding): CacheStop {
  const { promptTokens, shareableTokens, cachedTokens, knownTokens, savedTokens, best } = found;
  if (found.isAlone) return "reproducible";
  if (cachedTokens >= promptTokens - 1) return "last_token";
  if (cachedTokens >= shareableTokens - 1 && shareableTokens < promptTokens) return "prompt_scored";
  if (knownTokens > cachedTokens && !found.canCut) return "state_not_kept";
  if (knownTokens > cachedTokens && knownTokens < MIN_COPIED_TOKENS) return "below_copying";
  if (savedTokens > cachedTokens) return "below_restoring";
  if (best.length > cachedTokens) return found.isBestRunning ? "being_computed" : "evicted";
  if (cachedTokens === 0 && best.length === 0) return "nothing_known";
  return best.continues ? "text_differs" : "new_text";
}
