import type { Sequence } from "./sequence.ts";
import type { StepCost } from "./step-cost.ts";

/** Longest run of tokens that is looked up, and the shortest one worth believing. */
const LONGEST_NGRAM = 4;
const SHORTEST_NGRAM = 2;
const MAX_DRAFT_TOKENS = 8;
/** Weight of the newest draft in a sequence's acceptance rate. */
const SMOOTHING = 0.2;
/** Pull of the acceptance rate back to the prior while nothing is drafted, so that it is tried again some day. */
const RECOVERY = 0.01;
/** Acceptance that a sequence is credited with before its first draft. */
const PRIOR_ACCEPTANCE = 0.6;
/** Cost of a further row, as a share of a one-row step, that is assumed until steps of several sizes were measured. */
const ASSUMED_ROW_SHARE = 0.25;

/**
 * Prompt-lookup decoding (Saxena 2023): when the last tokens stand earlier in the sequence's own text, what followed
 * them there is drafted, and one decode checks the whole draft. Each drafted token is kept only when the sampler, at
 * its place, draws the same one, so that the output is what it would have been without.
 */
export class Speculation {
  readonly #cost: StepCost;
  readonly #acceptance = new WeakMap<Sequence, number>();

  constructor(cost: StepCost) {
    this.#cost = cost;
  }

  /**
   * Drafts for the decoding sequences, of one common length: llama.cpp computes sequences of unequal length one
   * after the other, which would read the weights again. Empty when no draft is expected to pay.
   */
  draft(decoding: readonly Sequence[], rowLimit: number): ReadonlyMap<Sequence, readonly number[]> {
    const drafts = new Map<Sequence, readonly number[]>();
    let length = Math.min(MAX_DRAFT_TOKENS, Math.floor(rowLimit / Math.max(1, decoding.length)) - 1);
    for (const sequence of decoding) {
      if (length <= 0) return none;
      const room = sequence.maxTokens - sequence.completionTokens - 1;
      const found = lookUp(sequence, Math.min(length, room));
      drafts.set(sequence, found);
      length = Math.min(length, found.length);
    }
    const best = this.#bestLength(decoding, length);
    if (best === 0) {
      if (length > 0) for (const sequence of decoding) this.#recover(sequence);
      return none;
    }
    for (const [sequence, found] of drafts) drafts.set(sequence, found.slice(0, best));
    return drafts;
  }

  /** Learns how much of a draft was right. */
  observe(sequence: Sequence, drafted: number, accepted: number): void {
    // A draft ends at its first wrong token, so each token up to that one is an observation.
    const trials = Math.min(drafted, accepted + 1);
    let rate = this.#rate(sequence);
    for (let trial = 0; trial < trials; trial++) rate += SMOOTHING * ((trial < accepted ? 1 : 0) - rate);
    this.#acceptance.set(sequence, rate);
  }

  /**
   * Length whose expected tokens a millisecond beat those of a step without drafts. With acceptance p a draft of k
   * yields p + p² + … + pᵏ tokens and costs k further rows a sequence.
   */
  #bestLength(decoding: readonly Sequence[], limit: number): number {
    const rows = decoding.length;
    const plainMs = this.#cost.decodeMs(rows);
    const rowMs = this.#cost.msPerDecodeRow ?? (ASSUMED_ROW_SHARE * plainMs) / rows;
    let best = 0;
    let bestRate = rows / plainMs;
    let expected = rows;
    for (let length = 1; length <= limit; length++) {
      for (const sequence of decoding) expected += this.#rate(sequence) ** length;
      const rate = expected / (plainMs + rowMs * rows * length);
      if (rate > bestRate) {
        best = length;
        bestRate = rate;
      }
    }
    return best;
  }

  #rate(sequence: Sequence): number {
    return this.#acceptance.get(sequence) ?? PRIOR_ACCEPTANCE;
  }

  #recover(sequence: Sequence): void {
    const rate = this.#rate(sequence);
    this.#acceptance.set(sequence, rate + RECOVERY * (PRIOR_ACCEPTANCE - rate));
  }
}

const none: ReadonlyMap<Sequence, readonly number[]> = new Map();

/** Up to `limit` tokens that followed the latest earlier occurrence of the sequence's last tokens. */
function lookUp(sequence: Sequence, limit: number): readonly number[] {
  const { slot, lastToken } = sequence;
  if (limit <= 0 || slot === undefined || lastToken === undefined) return [];
  const tokens = slot.tokens;
  const end = tokens.length;
  // The text so far is `tokens` followed by `lastToken`, which is sampled and not yet decoded.
  const at = (index: number) => (index === end ? lastToken : (tokens[index] as number));
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
