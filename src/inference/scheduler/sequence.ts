import type { PromptSection } from "../cache-report.ts";
import type { CacheTier } from "../cache-tier.ts";
import type { FinishReason, GenerationTimings, Usage } from "../engine.ts";
import type { WaitPart } from "../generation-parts.ts";
import type { Slot } from "../kv-cache/slots.ts";
import type { Lane } from "../lane.ts";
import type { Thoughts } from "../thoughts.ts";
import type { PromptScores, TokenScores } from "./scores.ts";
import { TextStream, type TokenTexts } from "./text-stream.ts";
import { ThoughtTracker } from "./thought-tracker.ts";
import { TimeAccount } from "./time-account.ts";

/** Chooses a sequence's tokens from the logits of batch rows. */
export interface TokenSampler {
  sample(row: number): number;
  /** Takes a token that was not drawn into the sampler's history. */
  accept(token: number): void;
  /** Tokens that will be drawn next in all likelihood, because the form of the text leaves no choice. */
  forcedTokens(limit: number): readonly number[];
  /** Whether the form of the text lets nothing follow. */
  readonly isFinal: boolean;
  free(): void;
}

export interface SequenceRequest {
  readonly id: number;
  readonly prompt: Int32Array;
  /** What the prompt's tokens are of; one section when left out. */
  readonly sections?: readonly PromptSection[];
  readonly maxTokens: number;
  readonly stop: readonly string[];
  /** Tokens that end the text besides the model's own. */
  readonly stopTokens?: ReadonlySet<number>;
  /** Control tokens that are part of the text. */
  readonly shownTokens?: ReadonlyMap<number, Uint8Array>;
  readonly thoughts?: Thoughts | undefined;
  /** Tokens of `thoughts.ending`. */
  readonly endingTokens?: readonly number[];
  readonly lane: Lane;
  /** Compute it from nothing and in steps of its own. */
  readonly isAlone?: boolean;
  /** Whose cached prefixes it may take over; all clients' when left out. */
  readonly scope?: string | undefined;
  /** When the request reached the server, on the scheduler's clock. */
  readonly arrivedAt: number;
  readonly createSampler: () => TokenSampler;
  /** Where the scores of generated tokens, and of the prompt's, are kept; absent when they were not asked for. */
  readonly scores?: TokenScores | undefined;
  readonly promptScores?: PromptScores | undefined;
  /** Where the prompt gets pinned: called with its KV sequence when it is computed. */
  readonly onPinned?: (kvSequence: number) => void;
}

/**
 * One request on its way: waiting (no slot), prefilling (prompt partly computed), decoding (one token per step),
 * finished. Policy is the scheduler's; the state is here.
 */
export class Sequence {
  readonly id: number;
  readonly prompt: Int32Array;
  readonly sections: readonly PromptSection[];
  readonly maxTokens: number;
  readonly lane: Lane;
  readonly isAlone: boolean;
  readonly scope: string;
  readonly arrivedAt: number;
  readonly time: TimeAccount;
  readonly text: TextStream;
  readonly scores: TokenScores | undefined;
  readonly promptScores: PromptScores | undefined;
  readonly onPinned: ((kvSequence: number) => void) | undefined;
  readonly #stopTokens: ReadonlySet<number>;
  readonly #shownTokens: ReadonlyMap<number, Uint8Array>;
  readonly #thoughts: ThoughtTracker | undefined;
  readonly #endingTokens: readonly number[];
  /** Tokens still to come of those that end the thoughts. */
  #forced: number[] = [];
  readonly #createSampler: () => TokenSampler;
  #sampler: TokenSampler | undefined;
  readonly #pauses = new Set<number>();

  slot: Slot | undefined;
  /** What it waits for while it has no slot: the step that runs, until the next one gave it another reason. */
  waitsFor: WaitPart = "step";
  /** Prompt tokens whose keys and values are in the slot. */
  prefilled = 0;
  cachedTokens = 0;
  cachedFrom: CacheTier | undefined;
  /** Sampled and not yet decoded; undefined until the first token. */
  lastToken: number | undefined;
  completionTokens = 0;
  /** Tokens drafted by speculation, and how many of them were right. */
  draftedTokens = 0;
  acceptedTokens = 0;
  finishReason: FinishReason | undefined;
  startedAt: number | undefined;
  firstTokenAt: number | undefined;
  lastTokenAt: number | undefined;

  constructor(request: SequenceRequest) {
    this.id = request.id;
    this.prompt = request.prompt;
    this.sections = request.sections ?? [{ tokens: request.prompt.length }];
    this.maxTokens = request.maxTokens;
    this.lane = request.lane;
    this.isAlone = request.isAlone ?? false;
    this.scope = request.scope ?? "";
    this.arrivedAt = request.arrivedAt;
    this.time = new TimeAccount(request.arrivedAt);
    this.#thoughts = request.thoughts === undefined ? undefined : new ThoughtTracker(request.thoughts);
    this.#stopTokens = request.stopTokens ?? new Set();
    this.#shownTokens = request.shownTokens ?? new Map();
    this.#endingTokens = request.endingTokens ?? [];
    this.text = new TextStream(request.stop, this.#thoughts);
    this.scores = request.scores;
    this.promptScores = request.promptScores;
    this.onPinned = request.onPinned;
    this.#createSampler = request.createSampler;
  }

  get isPrefilling(): boolean {
    return this.slot !== undefined && this.prefilled < this.prompt.length;
  }

  /** The prompt as far as its keys and values may come from the cache: up to where its logits are wanted. */
  get shareablePrompt(): Int32Array {
    if (this.isAlone) return this.prompt.subarray(0, 0);
    return this.promptScores === undefined
      ? this.prompt
      : this.prompt.subarray(0, this.promptScores.unscored);
  }

  /** Makes prefill pause after `length` tokens, for the state there to be kept. */
  pauseAt(length: number): void {
    if (length > this.prefilled && length < this.prompt.length) this.#pauses.add(length);
  }

  get isAtPause(): boolean {
    return this.#pauses.has(this.prefilled);
  }

  /** Prompt tokens to compute before the next pause, or before the prompt's end. */
  get tokensToPause(): number {
    const next = Math.min(
      this.prompt.length,
      ...[...this.#pauses].filter((length) => length > this.prefilled),
    );
    return next - this.prefilled;
  }

  get remainingPrompt(): number {
    return this.prompt.length - this.prefilled;
  }

  /** Made when first needed: a long queue holds no native memory. */
  get sampler(): TokenSampler {
    this.#sampler ??= this.#createSampler();
    return this.#sampler;
  }

  /** Chooses the token that follows batch row `row`; where the thoughts are over their budget, what ends them. */
  next(row: number): number {
    if (this.#forced.length === 0 && this.#thoughts?.isOverBudget === true)
      this.#forced = [...this.#endingTokens];
    const forced = this.#forced.shift();
    if (forced === undefined) return this.sampler.sample(row);
    this.sampler.accept(forced);
    return forced;
  }

  /** What `next` will choose in all likelihood, because there is no choice. */
  forcedTokens(limit: number): readonly number[] {
    return this.#forced.length > 0 ? this.#forced.slice(0, limit) : this.sampler.forcedTokens(limit);
  }

  freeSampler(): void {
    this.#sampler?.free();
    this.#sampler = undefined;
  }

  /**
   * Takes its next token, whose row's logits are read only where it is scored. Returns the text that may go out; has a
   * `finishReason` where the token was the last.
   */
  take(token: number, texts: TokenTexts, logits: () => Float32Array, now: number): string {
    this.time.spent("own_sampling", now);
    if (this.firstTokenAt === undefined) {
      this.firstTokenAt = now;
      this.time.begunDecoding();
    }
    this.lastTokenAt = now;
    if (texts.isEndOfGeneration(token) || this.#stopTokens.has(token)) {
      this.finishReason = "stop";
      return this.text.end();
    }
    this.lastToken = token;
    this.completionTokens++;
    const start = this.text.decodedLength;
    const text = this.text.push(this.#shownTokens.get(token) ?? texts.piece(token));
    this.scores?.add(logits(), token, start, this.text.decodedLength);
    if (this.text.stopped) this.finishReason = "stop";
    else if (this.#sampler?.isFinal === true) {
      this.finishReason = "stop";
      return text + this.text.end();
    } else if (this.completionTokens >= this.maxTokens) {
      this.finishReason = "length";
      return text + this.text.end();
    }
    return text;
  }

  get usage(): Usage {
    return {
      promptTokens: this.prompt.length,
      cachedPromptTokens: this.cachedTokens,
      ...(this.cachedFrom !== undefined && { cachedFrom: this.cachedFrom }),
      completionTokens: this.completionTokens,
      reasoningTokens: this.#thoughts?.tokens ?? 0,
      draftedTokens: this.draftedTokens,
      acceptedTokens: this.acceptedTokens,
    };
  }

  /** The three parts of the time from arrival to last token, or to `now` for what has not begun. */
  timings(now: number): GenerationTimings {
    const startedAt = this.startedAt ?? now;
    const firstTokenAt = this.firstTokenAt ?? Math.max(startedAt, now);
    return {
      queueMs: startedAt - this.arrivedAt,
      prefillMs: firstTokenAt - startedAt,
      decodeMs: (this.lastTokenAt ?? firstTokenAt) - firstTokenAt,
      parts: this.time.parts,
    };
  }
}
