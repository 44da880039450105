import { type Static, Type } from "typebox";
import { type CacheStop, cacheStops, type PrefixReport } from "../inference/cache-report.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import type { AccountedGeneration, RequestAccount } from "./request-account.ts";
import { round } from "./timings.ts";

const OrNone = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const ReceiptPart = Type.Object({
  index: Type.Union([Type.Integer(), Type.Null()], {
    description: "Of the message; null for the template's own.",
  }),
  role: OrNone("Of the message."),
  tokens: Type.Integer(),
  cached: Type.Integer({ description: "Of these, taken from the cache." }),
});

export const PromptReceipt = Type.Object(
  {
    prompt_tokens: Type.Integer(),
    completion_tokens: Type.Union([Type.Integer(), Type.Null()], { description: "Null while it runs." }),
    parts: Type.Array(ReceiptPart, {
      description: "The prompt's stretches, in order; tokens add up to the prompt's.",
    }),
    cache: Type.Object({
      tokens: Type.Integer({ description: "Leading tokens of the prompt that were taken from the cache." }),
      from_request_id: OrNone(
        "Who had left them; null for pinned prefixes and what an earlier process left.",
      ),
      from_ago_ms: Type.Union([Type.Number(), Type.Null()], {
        description: "Since that request last had them.",
      }),
      how: Type.Union([OneOf(["in_place", "copied", "restored"]), Type.Null()], {
        description: "`in_place`: the sequence itself was taken over; `restored`: from host memory or disk.",
      }),
      saved_ms: Type.Number({ description: "Estimate: what computing them would have taken." }),
      stopped_at: Type.Object({
        token: Type.Integer({ description: "The first token that was computed." }),
        part: Type.Union([Type.Integer(), Type.Null()], {
          description: "Place in `parts` of what it is in.",
        }),
        why: OneOf(cacheStops),
        explanation: Type.String(),
        evicted_ago_ms: Type.Optional(Type.Number()),
        evicted_by_request_id: Type.Optional(Type.String()),
      }),
      best_possible: Type.Integer({
        description:
          "Tokens that the prompt has in common with any of the latest 1,000 requests, its last token not counted: what a cache that forgets nothing would have had.",
      }),
      advice: OrNone("One thing that would have had more from the cache; null where there is none."),
    }),
  },
  { description: "What one prompt was made of, and what of it the KV cache had." },
);
export type PromptReceipt = Static<typeof PromptReceipt>;

export const ContextReceipt = Type.Object(
  {
    window: Type.Union([Type.Integer(), Type.Null()], {
      description: "Tokens that prompt and answer may have.",
    }),
    prompts: Type.Array(PromptReceipt, {
      description: "One for each generation, in order; several answers to one prompt have one each.",
    }),
  },
  {
    description:
      "What the model was given. Nothing is ever cut from a prompt: one that is too long is refused.",
  },
);
export type ContextReceipt = Static<typeof ContextReceipt>;

/** What each reason means that a prompt's beginning came from the cache so far and no further. */
export const explanations: Readonly<Record<CacheStop, string>> = {
  last_token: "All but the last token, whose logits are wanted.",
  reproducible: "The request asked for an answer that can be had again: it is computed from nothing.",
  prompt_scored: "From here on the prompt's own log-probabilities were asked for, which needs them computed.",
  state_not_kept: "This model's memory can go back only to states that were kept, and none was kept here.",
  below_copying: "So few tokens were in common that computing them costs less than a copy.",
  below_restoring: "A saved sequence had a few tokens more, too few for reading them to pay.",
  being_computed: "A running request was still computing more of it.",
  evicted: "More of it was held once, and gave way to other requests.",
  text_differs: "An earlier request begins like this one and goes on otherwise here.",
  new_text: "This is where all earlier requests that begin like it end.",
  nothing_known: "No earlier request begins like it.",
};

/** The receipt of a request, as far as its generations got sequences; undefined where none did. */
export function contextReceipt(account: RequestAccount): ContextReceipt | undefined {
  const prompts = account.generations.flatMap((generation) => promptReceipt(generation) ?? []);
  const window = account.generations.find(({ start }) => start?.contextWindow !== undefined)?.start
    ?.contextWindow;
  return prompts.length === 0 ? undefined : { window: window ?? null, prompts };
}

function promptReceipt({ start, end }: AccountedGeneration): PromptReceipt | undefined {
  const prefix = start?.prefix;
  if (start === undefined || prefix === undefined) return undefined;
  const { promptTokens, cachedPromptTokens: cached } = start;
  const parts = partsOf(prefix, cached);
  const { stop, donor, donorAgeMs, way, savedMs, bestPossible, eviction } = prefix;
  let before = 0;
  const part = parts.findIndex(({ tokens }) => {
    before += tokens;
    return before > cached;
  });
  return {
    prompt_tokens: promptTokens,
    completion_tokens: end?.usage.completionTokens ?? null,
    parts,
    cache: {
      tokens: cached,
      from_request_id: donor ?? null,
      from_ago_ms: donorAgeMs === undefined ? null : round(donorAgeMs, 1),
      how: way ?? null,
      saved_ms: round(savedMs, 2),
      stopped_at: {
        token: cached,
        part: part < 0 ? null : part,
        why: stop,
        explanation: explanations[stop],
        ...(eviction !== undefined && { evicted_ago_ms: round(eviction.agoMs, 1) }),
        ...(eviction?.by !== undefined && { evicted_by_request_id: eviction.by }),
      },
      best_possible: bestPossible,
      advice: advice(stop, parts[part], { promptTokens, cached, bestPossible }),
    },
  };
}

function partsOf({ sections }: PrefixReport, cached: number): Static<typeof ReceiptPart>[] {
  let left = cached;
  return sections.map(({ tokens, message }) => {
    const taken = Math.min(tokens, left);
    left -= taken;
    return { index: message?.index ?? null, role: message?.role ?? null, tokens, cached: taken };
  });
}

/** Tokens that were computed, and their share of the prompt, from which on advice is worth reading. */
const MANY_TOKENS = 64;
const LARGE_SHARE = 0.25;

function advice(
  stop: CacheStop,
  part: Static<typeof ReceiptPart> | undefined,
  { promptTokens, cached, bestPossible }: { promptTokens: number; cached: number; bestPossible: number },
): string | null {
  const missed = promptTokens - cached;
  if (missed < Math.max(MANY_TOKENS, LARGE_SHARE * promptTokens)) return null;
  const place = part?.role == null ? "the prompt" : `the ${part.role} message (${part.index})`;
  switch (stop) {
    case "text_differs":
      return `Something in ${place} differs from earlier requests and ends the shared beginning, with ${missed} tokens after it: put what changes, such as a time or an id, last.`;
    case "evicted":
      return `${bestPossible - cached} more tokens were held and gave way: MAX_SEQUENCES, KV_HOST_MEMORY or a pinned prefix (PINNED_PREFIXES) would keep them.`;
    case "being_computed":
      return "Requests that begin alike and come at the same moment compute it each: send one a moment earlier, or pin the beginning (PINNED_PREFIXES).";
    case "prompt_scored":
      return "Log-probabilities of the prompt cost its cache: ask for them only where they are read.";
    default:
      return null;
  }
}
