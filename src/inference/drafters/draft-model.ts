import type { Clock } from "../../platform/clock.ts";
import { argmax } from "../argmax.ts";
import { commonPrefix } from "../kv-cache/common-prefix.ts";
import type { DecodeContext } from "../scheduler/decode-context.ts";

/** The second model's context. */
export interface DraftContext
  extends Pick<
    DecodeContext,
    "sequences" | "contextPerSequence" | "batch" | "truncate" | "decode" | "logits"
  > {
  setThreads(threads: number): void;
  free(): void;
}

/** Text that is read along with a guess without making its time another one. */
const FEW_TOKENS = 16;
/** Weight of the newest guess in the time that one takes. */
const SMOOTHING = 0.1;

/**
 * A second, smaller model of the same vocabulary guesses what the first one will say (Leviathan et al. 2023). Each of its
 * sequences follows one of the first model's: it reads what it has not read yet when a guess is wanted, at most a batch
 * of it at once, because a step waits for that.
 */
export class DraftModel {
  readonly #context: DraftContext;
  readonly #vocabularySize: number;
  readonly #clock: Clock;
  /** Tokens that each sequence holds. */
  readonly #held: number[][];
  #msPerToken: number | undefined;
  /** Its weights, as a share of the first model's: what a guess should cost until one was made. */
  readonly shareOfWeights: number;

  /** `vocabularySize` is the first model's: tokens beyond it are no guesses. */
  constructor(
    context: DraftContext,
    {
      vocabularySize,
      shareOfWeights,
      clock,
    }: { readonly vocabularySize: number; readonly shareOfWeights: number; readonly clock: Clock },
  ) {
    this.#context = context;
    this.#vocabularySize = vocabularySize;
    this.#clock = clock;
    this.shareOfWeights = shareOfWeights;
    this.#held = Array.from({ length: context.sequences }, () => []);
  }

  /** Milliseconds that a guessed token takes; undefined before the first. */
  get msPerToken(): number | undefined {
    return this.#msPerToken;
  }

  /** The `limit` likeliest tokens after `tokens` and `last` in `sequence`; none while the text is still being read. */
  draft(sequence: number, tokens: readonly number[], last: number, limit: number): readonly number[] {
    const held = this.#held[sequence];
    const room = this.#context.contextPerSequence - tokens.length;
    if (held === undefined || room < 2) return [];
    const startedAt = this.#clock();
    const known = this.#context.truncate(sequence, commonPrefix(held, tokens));
    held.length = known;
    const { batch } = this.#context;
    const unread = tokens.slice(known, known + batch.capacity);
    const isRead = unread.length < batch.capacity;
    let row = this.#read(sequence, isRead ? [...unread, last] : unread);
    const draft: number[] = [];
    while (isRead) {
      const token = argmax(this.#context.logits(row));
      if (token >= this.#vocabularySize) break;
      draft.push(token);
      if (draft.length >= Math.min(limit, room - 1)) break;
      row = this.#read(sequence, [token]);
    }
    if (unread.length <= FEW_TOKENS && draft.length > 0) {
      const ms = (this.#clock() - startedAt) / draft.length;
      this.#msPerToken = this.#msPerToken === undefined ? ms : mixed(this.#msPerToken, ms);
    }
    return draft;
  }

  setThreads(threads: number): void {
    this.#context.setThreads(threads);
  }

  free(): void {
    this.#context.free();
  }

  /** Computes what follows in a sequence; returns the row of the last token. */
  #read(sequence: number, tokens: readonly number[]): number {
    const { batch } = this.#context;
    const held = this.#held[sequence] as number[];
    batch.clear();
    let row = 0;
    for (const [index, token] of tokens.entries()) {
      row = batch.add(token, held.length, sequence, index === tokens.length - 1);
      held.push(token);
    }
    this.#context.decode();
    return row;
  }
}

const mixed = (before: number, now: number) => before + SMOOTHING * (now - before);
