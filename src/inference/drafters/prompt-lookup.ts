import type { Drafter } from "./drafter.ts";

/** Longest run of tokens that is looked up, and the shortest one worth believing. */
const LONGEST_NGRAM = 4;
const SHORTEST_NGRAM = 2;

/**
 * Prompt-lookup decoding (Saxena 2023): where the last tokens stand earlier in the text, what followed the latest of
 * the longest such runs is the guess.
 */
export const promptLookup: Drafter = { draft: lookUp };

function lookUp(tokens: readonly number[], last: number, limit: number): readonly number[] {
  const end = tokens.length;
  // The text so far is `tokens` followed by `last`, which is sampled and not yet decoded.
  const at = (index: number) => (index === end ? last : (tokens[index] as number));
  let bestStart = -1;
  let bestLength = SHORTEST_NGRAM - 1;
  for (let start = end - 1; start >= 0 && bestLength < LONGEST_NGRAM; start--) {
    let length = 0;
    while (length < LONGEST_NGRAM && start - length >= 0 && at(start - length) === at(end - length)) length++;
    if (length > bestLength) {
      bestLength = length;
      bestStart = start + 1;
    }
  }
  if (bestStart < 0) return [];
  const draft: number[] = [];
  for (let index = bestStart; index <= end && draft.length < limit; index++) draft.push(at(index));
  return draft;
}
