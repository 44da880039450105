import type { CacheStop, CacheView, PrefixReport, SequenceView } from "../cache-report.ts";
import { cacheStop } from "./cache-stop.ts";
import { Evictions } from "./evictions.ts";
import { heldPrefixes } from "./held-prefixes.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import { PromptHistory } from "./prompt-history.ts";
import type { Reservation } from "./reservation.ts";
import { ReuseDistances } from "./reuse-distance.ts";
import { MIN_SAVED_TOKENS } from "./saved-sequences.ts";
import type { SavingPolicy } from "./saving-policy.ts";
import type { SequenceMemory, Slot } from "./slots.ts";
import type { LongestMatch } from "./token-tree.ts";

/** Sizes that the hit rate is told for, as multiples of the cache's own. */
const SIZES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16];

/** A request whose prompt has just got a sequence. */
export interface StudiedRequest {
  readonly id: number;
  readonly prompt: Int32Array;
  /** The prompt as far as it may come from the cache. */
  readonly shareablePrompt: Int32Array;
  readonly scope: string;
  /** It is computed from nothing, in steps of its own. */
  readonly isAlone: boolean;
}

/** Watches the prefix cache: what it had of each prompt, why not more, and what another one would have had. */
export class CacheStudy {
  readonly #cache: PrefixCache;
  readonly #memory: Pick<SequenceMemory, "canCut">;
  readonly #promptMs: (tokens: number) => number;
  readonly #policy: SavingPolicy;
  readonly #history = new PromptHistory();
  readonly #distances = new ReuseDistances();
  readonly #evictions = new Evictions();
  #cachedTokens = 0;

  /** `promptMs`: what a prompt of so many tokens should take to compute. `policy` hears of what was missed. */
  constructor(
    cache: PrefixCache,
    memory: Pick<SequenceMemory, "canCut">,
    promptMs: (tokens: number) => number,
    policy: SavingPolicy,
  ) {
    this.#cache = cache;
    this.#memory = memory;
    this.#promptMs = promptMs;
    this.#policy = policy;
  }

  /** What the cache had of the prompt of a request that has just got a sequence. */
  started(
    { id, prompt, shareablePrompt, scope, isAlone }: StudiedRequest,
    { cachedTokens, knownTokens, savedTokens, source }: Reservation,
    now: number,
  ): Omit<PrefixReport<number>, "sections"> {
    const best = this.#history.longest(prompt, scope);
    const isBestRunning = best.owner !== undefined && this.#history.isRunning(best.owner);
    this.#evictions.record(this.#cache.takeLosses(), id, now);
    this.#history.began(id, prompt, scope, cachedTokens);
    this.#distances.prompt(prompt, scope);
    this.#cachedTokens += cachedTokens;
    const stop = cacheStop({
      promptTokens: prompt.length,
      shareableTokens: shareablePrompt.length,
      cachedTokens,
      knownTokens,
      savedTokens,
      best,
      isBestRunning,
      isAlone,
      canCut: this.#memory.canCut,
    });
    const bestPossible = Math.max(cachedTokens, Math.min(best.length, prompt.length - 1));
    return {
      stop,
      bestPossible,
      savedMs: this.#promptMs(cachedTokens),
      ...(source !== undefined && { way: source.way }),
      ...(source?.owner !== undefined && { donor: source.owner }),
      ...(source?.lastUsedAt !== undefined && { donorAgeMs: Math.max(0, now - source.lastUsedAt) }),
      ...this.#missed(stop, best, bestPossible - cachedTokens, now),
    };
  }

  #missed(
    stop: CacheStop,
    { owner }: LongestMatch,
    tokens: number,
    now: number,
  ): Pick<PrefixReport<number>, "eviction"> {
    const lost = stop === "evicted" ? this.#evictions.missed(owner, tokens) : undefined;
    if (lost === undefined) return {};
    if (tokens >= MIN_SAVED_TOKENS) this.#policy.wanted(tokens);
    return { eviction: { agoMs: now - lost.at, ...(lost.by !== undefined && { by: lost.by }) } };
  }

  /** A request is over; `held` are the tokens that its sequence keeps. */
  ended({ id, scope }: Pick<StudiedRequest, "id" | "scope">, held: readonly number[]): void {
    const tokens = Int32Array.from(held);
    this.#history.ended(id, tokens);
    this.#distances.held(tokens, scope);
  }

  /** What the cache holds, and how well it served. */
  view(contextPerSequence: number, now: number): CacheView<number> {
    const { slots, saved } = this.#cache;
    const size = slots.length * contextPerSequence;
    return {
      contextPerSequence,
      msPerPromptToken: this.#promptMs(1000) / 1000,
      sequences: slots.map((slot) => sequenceView(slot, now)),
      prefixes: heldPrefixes(slots, this.#history.texts()),
      saved: { sequences: saved.newestFirst.length, bytes: saved.bytes },
      prompts: { tokens: this.#distances.promptTokens, cachedTokens: this.#cachedTokens },
      curve: this.#distances.curve(SIZES.map((factor) => Math.round(size * factor))),
      evictions: this.#evictions.describe(now),
    };
  }
}

function sequenceView(
  { kvSequence, busy, pinned, tokens, owner, lastUsedAt }: Readonly<Slot>,
  now: number,
): SequenceView<number> {
  const state = busy ? "busy" : pinned ? "pinned" : tokens.length > 0 ? "reusable" : "free";
  const isUsed = !busy && Number.isFinite(lastUsedAt);
  return {
    kvSequence,
    state,
    tokens: tokens.length,
    request: owner,
    idleMs: isUsed ? now - lastUsedAt : undefined,
  };
}
