/**
 * Plain data about the prefix cache: what it had of one prompt, and what it holds. `Who` names requests: an engine process
 * knows them by its generations' numbers, the server by their ids.
 */

/** Why a prompt's beginning was taken from the cache up to here and no further. */
export const cacheStops = [
  /** All but the last token, whose logits are wanted. */
  "last_token",
  /** It was to be computed alone, whatever there was. */
  "reproducible",
  /** What follows is scored, which needs its logits. */
  "prompt_scored",
  /** A sequence has more of it, and its memory can't be cut there. */
  "state_not_kept",
  /** Too few tokens for a copy to pay. */
  "below_copying",
  /** A saved sequence has a few more, too few for reading them to pay. */
  "below_restoring",
  /** A running request was still computing more of it. */
  "being_computed",
  /** More of it was there once, and gave way. */
  "evicted",
  /** An earlier request begins like this one and goes on otherwise here. */
  "text_differs",
  /** This request goes on where all earlier ones that begin like it end. */
  "new_text",
  /** No request that is remembered begins like it. */
  "nothing_known",
] as const;
export type CacheStop = (typeof cacheStops)[number];

/** How the cached tokens came into a request's sequence. */
export type CacheWay = "in_place" | "copied" | "restored";

/** What the cache had of one prompt. */
export interface PrefixReport<Who = string> {
  readonly stop: CacheStop;
  /** Undefined where nothing was taken over. */
  readonly way?: CacheWay;
  /** Whose tokens they were; undefined for pinned prefixes and for what an earlier process left. */
  readonly donor?: Who;
  /** Milliseconds since that one had them last. */
  readonly donorAgeMs?: number;
  /** Tokens that any of the remembered requests has in common with the prompt: what a cache that forgets nothing would have had. */
  readonly bestPossible: number;
  /** What the cached tokens would have taken to compute, by the model of step times. */
  readonly savedMs: number;
  /** Where what it had wanted was lost, for `evicted`. */
  readonly eviction?: { readonly agoMs: number; readonly by?: Who };
  /** Tokens of the prompt's sections, in order. */
  readonly sections: readonly PromptSection[];
}

/** A stretch of a prompt: a message's, or what a template put between them. */
export interface PromptSection {
  readonly tokens: number;
  /** Undefined for the template's own, and for prompts that are not conversations. */
  readonly message?: { readonly index: number; readonly role: string };
}

export interface CacheView<Who = string> {
  readonly contextPerSequence: number;
  /** Milliseconds per prompt token, by the model of step times; 0 while nothing is known. */
  readonly msPerPromptToken: number;
  readonly sequences: ReadonlyArray<SequenceView<Who>>;
  /** What they hold, each node after the one it continues. */
  readonly prefixes: readonly PrefixView[];
  readonly saved: { readonly sequences: number; readonly bytes: number };
  /** Of all prompts since the engine's start. */
  readonly prompts: { readonly tokens: number; readonly cachedTokens: number };
  /** What caches of other sizes would have had of them. */
  readonly curve: ReadonlyArray<{ readonly cacheTokens: number; readonly hitTokens: number }>;
  /** The latest first. */
  readonly evictions: ReadonlyArray<EvictionView<Who>>;
}

export interface SequenceView<Who = string> {
  readonly kvSequence: number;
  readonly state: "busy" | "reusable" | "pinned" | "free";
  readonly tokens: number;
  /** Whose they are. */
  readonly request: Who | undefined;
  /** Undefined while it is busy, and for one never used. */
  readonly idleMs: number | undefined;
}

/** A stretch of tokens that sequences hold. */
export interface PrefixView {
  /** Place in the list of what it continues; undefined for a beginning. */
  readonly parent: number | undefined;
  /** From this token of the prompts on. */
  readonly start: number;
  readonly tokens: number;
  /** KV sequences that hold it. */
  readonly holders: readonly number[];
  /** Remembered requests that have all of it, and its tokens that these took from the cache. */
  readonly requests: number;
  readonly cachedTokens: number;
}

export interface EvictionView<Who = string> {
  readonly agoMs: number;
  readonly kvSequence: number;
  /** Whose tokens they were, and for whom they gave way; undefined where they were over the limit of idle tokens. */
  readonly request: Who | undefined;
  readonly by: Who | undefined;
  /** Tokens that were lost, from the `kept`th on. */
  readonly tokens: number;
  readonly kept: number;
  /** Kept in host memory, and so not lost. */
  readonly isSaved: boolean;
  /** Tokens that later prompts would have taken from it. */
  readonly wantedTokens: number;
}
