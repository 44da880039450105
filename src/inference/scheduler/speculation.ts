import type { Drafter } from "../drafters/drafter.ts";
import { EarlierTexts } from "../drafters/earlier-texts.ts";
import type { SequenceMemory } from "../kv-cache/slots.ts";
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

/** What may follow a sequence's last token, and how often such guesses were right. */
interface Guess {
  readonly source: Source;
  readonly found: readonly number[];
  readonly rate: number;
}

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
  readonly #earlier = new EarlierTexts();
  readonly #memory: Pick<SequenceMemory, "isOnePass">;
  readonly #acceptance = {
    repeated: new WeakMap<Sequence, number>(),
    forced: new WeakMap<Sequence, number>(),
  };
  /** Where the sequence's present draft is from. */
  readonly #sources = new WeakMap<Sequence, Source>();

  /** `memory` says whether the rows of a draft are computed in the same pass as those of sequences without one. */
  constructor(cost: StepCost, drafter: Drafter, memory: Pick<SequenceMemory, "isOnePass">) {
    this.#cost = cost;
    this.#drafter = drafter;
    this.#memory = memory;
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
    const guesses = decoding.map((sequence) => ({ sequence, ...this.#guess(sequence, rowsLeft) }));
    const equal =
      this.#memory.isOnePass || decoding.length < 2 ? 0 : equalLength(guesses, rowsLeft, tokensPerMs * rowMs);
    if (equal > 0) {
      for (const { sequence, source, found } of guesses) {
        drafts.set(sequence, found.slice(0, equal));
        this.#sources.set(sequence, source);
      }
      return drafts;
    }
    for (const { sequence, source, rate, ...guess } of guesses) {
      const found = guess.found.slice(0, Math.max(0, rowsLeft));
      if (found.length === 0) continue;
      const longest = worthwhileLength(rate, tokensPerMs * rowMs, found.length);
      const needsPass = decoding.length > 1 && !this.#memory.isOnePass;
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

  /** Learns a text that has ended: its tokens, of which those from `start` on were generated. */
  remember(tokens: readonly number[], start: number, scope: string): void {
    this.#earlier.add(tokens, start, scope);
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

  #guess(sequence: Sequence, rowsLeft: number): Guess {
    const limit = Math.min(MAX_DRAFT_TOKENS, rowsLeft, sequence.maxTokens - sequence.completionTokens - 1);
    const forced = limit > 0 ? sequence.forcedTokens(limit) : [];
    const source = forced.length > 0 ? "forced" : "repeated";
    const found = forced.length > 0 ? forced : this.#repeated(sequence, limit);
    return { source, found, rate: this.#rate(sequence, source) };
  }

  /** What followed the same tokens before: in earlier texts, where more of them are the same, else in this one. */
  #repeated({ slot, lastToken, scope }: Sequence, limit: number): readonly number[] {
    if (limit <= 0 || slot === undefined || lastToken === undefined) return [];
    const earlier = this.#earlier.draft(slot.tokens, lastToken, limit, scope);
    return earlier.length > 0 ? earlier : this.#drafter.draft(slot.tokens, lastToken, limit);
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

/**
 * The length that drafts of all sequences should have where equal ones share the pass that is made anyway; 0 where none
 * is worth its rows.
 */
function equalLength(guesses: readonly Guess[], rowsLeft: number, tokensPerRowTime: number): number {
  const longest = Math.min(
    Math.floor(rowsLeft / guesses.length),
    ...guesses.map(({ found }) => found.length),
  );
  let best = 0;
  let most = 0;
  for (let length = 1; length <= longest; length++) {
    const expected = guesses.reduce((sum, { rate }) => sum + expectedTokens(rate, length), 0);
    const gain = expected - guesses.length * length * tokensPerRowTime;
    if (gain > most) [most, best] = [gain, length];
  }
  return best;
}

/** Tokens that a draft of `length` is expected to bring. */
function expectedTokens(acceptance: number, length: number): number {
  let tokens = 0;
  for (let position = 1; position <= length; position++) tokens += acceptance ** position;
  return tokens;
}
