import type { DraftModel } from "../drafters/draft-model.ts";
import type { Drafter } from "../drafters/drafter.ts";
import { EarlierTexts } from "../drafters/earlier-texts.ts";
import type { SequenceMemory } from "../kv-cache/slots.ts";
import type { Sequence } from "./sequence.ts";
import type { StepCost } from "./step-cost.ts";

const MAX_DRAFT_TOKENS = 8;
/** Weight of the newest draft in a sequence's acceptance rate. */
const SMOOTHING = 0.2;
/**
 * Pull of the acceptance rate back to the prior while nothing is drafted: drafting is tried again eventually. A model that
 * guesses must read first what it has missed, so it is tried more seldom.
 */
const RECOVERY = { repeated: 0.01, forced: 0.01, model: 0.003 } as const;
/** Acceptance that a sequence is credited with before its first draft: of what it said before, of what is forced, of a model's guess. */
const PRIOR_ACCEPTANCE = { repeated: 0.6, forced: 0.9, model: 0.6 } as const;
/** Cost of a further row, as a share of a one-row step, that is assumed until steps of several sizes were measured. */
const ASSUMED_ROW_SHARE = 0.25;

/** What may follow a sequence's last token, and how often such guesses were right. */
interface Guess {
  readonly source: Source;
  readonly found: readonly number[];
  readonly rate: number;
}

/** Where a draft is from: the form of the text left no choice, the text said the same before, or a second model guessed. */
type Source = keyof typeof PRIOR_ACCEPTANCE;

/**
 * When to draft: while a draft's tokens are expected to bring more than their rows cost. What a form leaves no choice
 * of is drafted first; only the model's way to split it into tokens is a guess. Then what was said before is the guess, or
 * a second model's, whichever is right more often. One decode checks the whole draft. Each drafted token is kept only when
 * the sampler, at its place, draws the same one, which makes the output what it would have been without drafts.
 */
export class Speculation {
  readonly #cost: StepCost;
  readonly #drafter: Drafter;
  readonly #earlier = new EarlierTexts();
  readonly #memory: Pick<SequenceMemory, "isOnePass">;
  readonly #model: DraftModel | undefined;
  readonly #acceptance = {
    repeated: new WeakMap<Sequence, number>(),
    forced: new WeakMap<Sequence, number>(),
    model: new WeakMap<Sequence, number>(),
  };
  /** How often the second model was right of late, in all sequences: what a new one is credited with. */
  #modelAcceptance: number = PRIOR_ACCEPTANCE.model;
  /** Where the sequence's present draft is from. */
  readonly #sources = new WeakMap<Sequence, Source>();

  /** `memory` says whether the rows of a draft are computed in the same pass as those of sequences without one. */
  constructor(
    cost: StepCost,
    drafter: Drafter,
    memory: Pick<SequenceMemory, "isOnePass">,
    model?: DraftModel | undefined,
  ) {
    this.#model = model;
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
    // Drafts that need a pass of their own would have to pay for the second model too.
    const isModelAsked = decoding.length === 1 || this.#memory.isOnePass;
    const guesses = decoding.map((sequence) => {
      const own = this.#guess(sequence, rowsLeft);
      if (!isModelAsked || own.source === "forced") return { sequence, ...own };
      const limit = Math.min(MAX_DRAFT_TOKENS, Math.floor(rowsLeft / decoding.length));
      return {
        sequence,
        ...(this.#modelGuess(sequence, own, { limit, tokensPerMs, rowMs, plainMs }) ?? own),
      };
    });
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
    if (source === "model") this.#modelAcceptance += SMOOTHING * (rate - this.#modelAcceptance);
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

  /** What the second model guesses, as far as that is worth its time too; undefined where what was `found` is better. */
  #modelGuess(
    sequence: Sequence,
    found: Guess,
    costs: {
      readonly limit: number;
      readonly tokensPerMs: number;
      readonly rowMs: number;
      readonly plainMs: number;
    },
  ): Guess | undefined {
    const { slot, lastToken } = sequence;
    const rate = this.#rate(sequence, "model");
    if (this.#model === undefined || slot === undefined || lastToken === undefined) return undefined;
    if (found.found.length > 0 && found.rate >= rate) return undefined;
    const limit = Math.min(costs.limit, sequence.maxTokens - sequence.completionTokens - 1);
    const guessMs = this.#model.msPerToken ?? this.#model.shareOfWeights * costs.plainMs;
    const length = worthwhileLength(rate, costs.tokensPerMs * (costs.rowMs + guessMs), limit);
    if (length === 0) {
      this.#recover(sequence, "model");
      this.#modelAcceptance += RECOVERY.model * (PRIOR_ACCEPTANCE.model - this.#modelAcceptance);
      return undefined;
    }
    return {
      source: "model",
      found: this.#model.draft(slot.kvSequence, slot.tokens, lastToken, length),
      rate,
    };
  }

  #rate(sequence: Sequence, source: Source): number {
    const prior = source === "model" ? this.#modelAcceptance : PRIOR_ACCEPTANCE[source];
    return this.#acceptance[source].get(sequence) ?? prior;
  }

  #recover(sequence: Sequence, source: Source): void {
    const rate = this.#rate(sequence, source);
    this.#acceptance[source].set(sequence, rate + RECOVERY[source] * (PRIOR_ACCEPTANCE[source] - rate));
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
