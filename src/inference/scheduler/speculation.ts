import type { Drafter } from "../drafters/drafter.ts";
import type { Sequence } from "./sequence.ts";
import type { StepCost } from "./step-cost.ts";

const MAX_DRAFT_TOKENS = 8;
/** Weight of the newest draft in a sequence's acceptance rate. */
const SMOOTHING = 0.2;
/** Pull of the acceptance rate back to the prior while nothing is drafted: drafting is tried again eventually. */
const RECOVERY = 0.01;
/** Acceptance that a sequence is credited with before its first draft: of what it said before, and of what is forced. */
const PRIOR_ACCEPTANCE = { repeated: 0.6, forced: 0.9 } as const;
/** Cost of a further row, as a share of a one-row step, that is assumed until steps of several sizes were measured. */
const ASSUMED_ROW_SHARE = 0.25;

/** Where a draft is from: the form of the text left no choice, or the text said the same before. */
type Source = keyof typeof PRIOR_ACCEPTANCE;

/**
 * When to draft: while a draft's tokens are expected to bring more than their rows cost. What a form leaves no choice
 * of is drafted first; only the model's way to split it into tokens is a guess. Then a drafter guesses. One decode
 * checks the whole draft. Each drafted token is kept only when the sampler, at its place, draws the same one, which
 * makes the output what it would have been without drafts.
 */
export class Speculation {
  readonly #cost: StepCost;
  readonly #drafter: Drafter;
  readonly #isOnePass: boolean;
  readonly #acceptance = {
    repeated: new WeakMap<Sequence, number>(),
    forced: new WeakMap<Sequence, number>(),
  };
  /** Where the sequence's present draft is from. */
  readonly #sources = new WeakMap<Sequence, Source>();

  /** `isOnePass`: the rows of a draft are computed in the same pass as those of sequences without one. */
  constructor(cost: StepCost, drafter: Drafter, isOnePass: boolean) {
    this.#cost = cost;
    this.#drafter = drafter;
    this.#isOnePass = isOnePass;
  }

  /**
   * Drafts for the decoding sequences, as long as each further token is expected to bring more than its time would
   * bring otherwise. Empty for those where none does. At most `rowLimit` rows, those of the last tokens included.
   */
  draft(decoding: readonly Sequence[], rowLimit: number): ReadonlyMap<Sequence, readonly number[]> {
    const drafts = new Map<Sequence, readonly number[]>();
    const plainMs = this.#cost.decodeMs(decoding.length);
    const tokensPerMs = decoding.length / plainMs;
    const rowMs = this.#cost.msPerDecodeRow ?? (ASSUMED_ROW_SHARE * plainMs) / decoding.length;
    let rowsLeft = rowLimit - decoding.length;
    for (const sequence of decoding) {
      const room = Math.min(MAX_DRAFT_TOKENS, rowsLeft, sequence.maxTokens - sequence.completionTokens - 1);
      const { source, found } = this.#find(sequence, room);
      if (found.length === 0) continue;
      const rate = this.#rate(sequence, source);
      const longest = worthwhileLength(rate, tokensPerMs * rowMs, found.length);
      const needsPass = decoding.length > 1 && !this.#isOnePass;
      const isPassPaid =
        !needsPass || expectedTokens(rate, longest) > tokensPerMs * this.#cost.decodeMs(longest);
      const length = isPassPaid ? longest : 0;
      if (length === 0) this.#recover(sequence, source);
      else {
        drafts.set(sequence, found.slice(0, length));
        this.#sources.set(sequence, source);
      }
      rowsLeft -= length;
    }
    return drafts;
  }

  /** Learns how much of a draft was right. */
  observe(sequence: Sequence, drafted: number, accepted: number): void {
    const source = this.#sources.get(sequence) ?? "repeated";
    // A draft ends at its first wrong token, so each token up to that one is an observation.
    const trials = Math.min(drafted, accepted + 1);
    let rate = this.#rate(sequence, source);
    for (let trial = 0; trial < trials; trial++) rate += SMOOTHING * ((trial < accepted ? 1 : 0) - rate);
    this.#acceptance[source].set(sequence, rate);
  }

  #find(sequence: Sequence, limit: number): { readonly source: Source; readonly found: readonly number[] } {
    const { slot, lastToken } = sequence;
    const forced = limit > 0 ? sequence.forcedTokens(limit) : [];
    if (forced.length > 0) return { source: "forced", found: forced };
    const canGuess = limit > 0 && slot !== undefined && lastToken !== undefined;
    return { source: "repeated", found: canGuess ? this.#drafter.draft(slot.tokens, lastToken, limit) : [] };
  }

  #rate(sequence: Sequence, source: Source): number {
    return this.#acceptance[source].get(sequence) ?? PRIOR_ACCEPTANCE[source];
  }

  #recover(sequence: Sequence, source: Source): void {
    const rate = this.#rate(sequence, source);
    this.#acceptance[source].set(sequence, rate + RECOVERY * (PRIOR_ACCEPTANCE[source] - rate));
  }
}

/**
 * With acceptance p the k-th token of a draft is right with probability pᵏ; it is worth its row while that is more
 * than what the row's time brings without drafts.
 */
function worthwhileLength(acceptance: number, tokensPerRowTime: number, limit: number): number {
  let length = 0;
  while (length < limit && acceptance ** (length + 1) > tokensPerRowTime) length++;
  return length;
}

/** Tokens that a draft of `length` is expected to bring. */
function expectedTokens(acceptance: number, length: number): number {
  let tokens = 0;
  for (let position = 1; position <= length; position++) tokens += acceptance ** position;
  return tokens;
}
