import type { TurnEnd } from "../assistant/turn.ts";

/** Answers one after another, as one. */
export function totalOf(ends: readonly TurnEnd[]): Pick<TurnEnd, "usage" | "timings"> {
  const [first, ...rest] = ends;
  if (first === undefined) throw new Error("no answers to sum up");
  return rest.reduce<Pick<TurnEnd, "usage" | "timings">>(
    (sum, { usage, timings }) => ({
      usage: {
        promptTokens: sum.usage.promptTokens + usage.promptTokens,
        cachedPromptTokens: sum.usage.cachedPromptTokens + usage.cachedPromptTokens,
        completionTokens: sum.usage.completionTokens + usage.completionTokens,
        reasoningTokens: sum.usage.reasoningTokens + usage.reasoningTokens,
        draftedTokens: sum.usage.draftedTokens + usage.draftedTokens,
        acceptedTokens: sum.usage.acceptedTokens + usage.acceptedTokens,
      },
      timings: {
        queueMs: sum.timings.queueMs + timings.queueMs,
        prefillMs: sum.timings.prefillMs + timings.prefillMs,
        decodeMs: sum.timings.decodeMs + timings.decodeMs,
      },
    }),
    first,
  );
}
