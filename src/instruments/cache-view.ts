import { type Static, Type } from "typebox";
import type { CacheView, EvictionView, PrefixView, SequenceView } from "../inference/cache-report.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { round } from "../telemetry/timings.ts";

const RequestId = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const SequenceOfCache = Type.Object({
  kv_sequence: Type.Integer(),
  state: OneOf(["busy", "reusable", "pinned", "free"], {
    description: "`reusable`: of a request that has ended, for others to take over.",
  }),
  tokens: Type.Integer({ description: "Of `context_per_sequence`." }),
  request_id: RequestId("Whose they are; null for pinned prefixes and what an earlier process left."),
  idle_ms: Type.Union([Type.Number(), Type.Null()], { description: "Since its request ended." }),
  prefix: Type.Union([Type.Integer(), Type.Null()], {
    description: "Place in `prefixes` of the last stretch that it holds.",
  }),
});

const HeldPrefix = Type.Object({
  parent: Type.Union([Type.Integer(), Type.Null()], {
    description: "Place in the list of the stretch that this one continues; null for a beginning.",
  }),
  start: Type.Integer({ description: "Tokens before it." }),
  tokens: Type.Integer(),
  holders: Type.Array(Type.Integer(), { description: "KV sequences that hold it." }),
  requests: Type.Integer({ description: "Of the latest 1,000, those that have all of it." }),
  cached_tokens: Type.Integer({ description: "Its tokens that these took from the cache, all together." }),
  saved_ms: Type.Number({ description: "Estimate: what computing those would have taken." }),
});

const CacheSize = Type.Object({
  factor: Type.Number({ description: "Of this cache's size." }),
  tokens: Type.Integer(),
  hit_share: Type.Number({
    description:
      "Share of all prompt tokens that a cache of this size would have had, if it forgot the least recently used block of 32 tokens first.",
  }),
});

const Eviction = Type.Object({
  ago_ms: Type.Number(),
  kv_sequence: Type.Integer(),
  request_id: RequestId("Whose tokens gave way."),
  by_request_id: RequestId("Who took the place; null where idle tokens were over their limit."),
  tokens: Type.Integer({ description: "Tokens that gave way, after the `kept` ones." }),
  kept: Type.Integer(),
  saved: Type.Boolean({ description: "Kept in host memory or on disk, and so not lost." }),
  wanted_tokens: Type.Integer({ description: "Tokens of later prompts that were computed again for it." }),
  wanted_ms: Type.Number({ description: "Estimate: what that took." }),
});

export const CacheOfModel = Type.Object({
  model: Type.String(),
  context_per_sequence: Type.Integer(),
  capacity_tokens: Type.Integer({ description: "Of all sequences." }),
  ms_per_prompt_token: Type.Number({
    description: "Estimate, by the model that is fitted to this machine's steps; 0 while there were none.",
  }),
  sequences: Type.Array(SequenceOfCache),
  prefixes: Type.Array(HeldPrefix, {
    description: "What the sequences hold, as a tree of what they have in common; each after its parent.",
  }),
  saved: Type.Object(
    { sequences: Type.Integer(), bytes: Type.Integer() },
    { description: "Sequences that gave way and wait in host memory." },
  ),
  prompts: Type.Object(
    {
      tokens: Type.Integer(),
      cached_tokens: Type.Integer(),
      hit_share: Type.Number(),
      saved_ms: Type.Number({ description: "Estimate: what computing the cached tokens would have taken." }),
    },
    { description: "All prompts since the engine's start." },
  ),
  sizes: Type.Array(CacheSize, { description: "Whether more memory would help, or less would do." }),
  evictions: Type.Array(Eviction, { description: "The latest 200, the latest first." }),
});
export type CacheOfModel = Static<typeof CacheOfModel>;

/** The cache of one model as the route shows it. */
export function describeCache(model: string, view: CacheView): CacheOfModel {
  const { contextPerSequence, msPerPromptToken, sequences, prefixes, saved, prompts, curve, evictions } =
    view;
  const capacity = contextPerSequence * sequences.length;
  const toMs = (tokens: number) => round(tokens * msPerPromptToken, 2);
  const share = (tokens: number) => (prompts.tokens === 0 ? 0 : round(tokens / prompts.tokens, 4));
  return {
    model,
    context_per_sequence: contextPerSequence,
    capacity_tokens: capacity,
    ms_per_prompt_token: round(msPerPromptToken, 5),
    sequences: sequences.map((sequence) => describeSequence(sequence, prefixes)),
    prefixes: prefixes.map((prefix) => ({
      parent: prefix.parent ?? null,
      start: prefix.start,
      tokens: prefix.tokens,
      holders: [...prefix.holders],
      requests: prefix.requests,
      cached_tokens: prefix.cachedTokens,
      saved_ms: toMs(prefix.cachedTokens),
    })),
    saved,
    prompts: {
      tokens: prompts.tokens,
      cached_tokens: prompts.cachedTokens,
      hit_share: share(prompts.cachedTokens),
      saved_ms: toMs(prompts.cachedTokens),
    },
    sizes: curve.map(({ cacheTokens, hitTokens }) => ({
      factor: round(cacheTokens / capacity, 4),
      tokens: cacheTokens,
      hit_share: share(hitTokens),
    })),
    evictions: evictions.map((eviction) => describeEviction(eviction, toMs)),
  };
}

function describeSequence(
  { kvSequence, state, tokens, request, idleMs }: SequenceView,
  prefixes: readonly PrefixView[],
): Static<typeof SequenceOfCache> {
  const last = prefixes.findLastIndex(({ holders }) => holders.includes(kvSequence));
  return {
    kv_sequence: kvSequence,
    state,
    tokens,
    request_id: request ?? null,
    idle_ms: idleMs === undefined ? null : round(idleMs, 1),
    prefix: last < 0 ? null : last,
  };
}

function describeEviction(
  { agoMs, kvSequence, request, by, tokens, kept, isSaved, wantedTokens }: EvictionView,
  toMs: (tokens: number) => number,
): Static<typeof Eviction> {
  return {
    ago_ms: round(agoMs, 1),
    kv_sequence: kvSequence,
    request_id: request ?? null,
    by_request_id: by ?? null,
    tokens,
    kept,
    saved: isSaved,
    wanted_tokens: wantedTokens,
    wanted_ms: toMs(wantedTokens),
  };
}
