import type { CacheStudy } from "../kv-cache/cache-study.ts";
import type { PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { DecodeContext } from "./decode-context.ts";
import { Partings } from "./partings.ts";
import type { SequenceStart } from "./report.ts";
import type { Sequence } from "./sequence.ts";
import { WaitingQueue } from "./waiting-queue.ts";

/** Gives waiting requests the idle KV sequences, each with the longest prefix that is known. */
export class Admission {
  readonly #cache: PrefixCache;
  readonly #study: CacheStudy;
  readonly #waiting: WaitingQueue;
  /** Most requests that can start at once. */
  readonly #sequences: number;
  /** Where states are kept, of memories that can't be cut. */
  readonly #partings: Partings | undefined;
  readonly #onStart: (start: SequenceStart) => void;
  #cacheHitTokens = 0;

  /** `onStart` is called for each request that leaves the queue, before anything of it is computed. */
  constructor(
    context: DecodeContext,
    cache: PrefixCache,
    study: CacheStudy,
    onStart: (start: SequenceStart) => void,
  ) {
    this.#cache = cache;
    this.#study = study;
    this.#waiting = new WaitingQueue(context.sequences);
    this.#sequences = context.sequences;
    this.#partings = context.canCut ? undefined : new Partings();
    this.#onStart = onStart;
  }

  /** Requests without a sequence. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Prompt tokens that requests took from the cache, since start. */
  get cacheHitTokens(): number {
    return this.#cacheHitTokens;
  }

  add(sequence: Sequence, running: readonly Sequence[]): void {
    this.#partings?.expect(sequence, running);
    this.#waiting.add(sequence);
  }

  find(id: number): Sequence | undefined {
    return this.#waiting.find(id);
  }

  /** Those in line that could start at once. */
  next(): readonly Sequence[] {
    return this.#waiting.first(this.#sequences);
  }

  remove(sequence: Sequence): void {
    this.#waiting.remove(sequence);
  }

  /** Returns `running` with those that start now; the others know what they wait for from now on. */
  admit(running: readonly Sequence[], now: number): Sequence[] {
    const admitted = [...running];
    for (;;) {
      const sequence = this.#waiting.next(admitted, this.#cache);
      if (sequence === undefined) {
        this.#waiting.explain(admitted, this.#cache, now);
        return admitted;
      }
      this.#start(sequence, now);
      admitted.push(sequence);
    }
  }

  #start(sequence: Sequence, now: number): void {
    const { id, shareablePrompt, scope, sections } = sequence;
    const reservation = this.#cache.reserve(shareablePrompt, now, scope, id);
    const { slot, cachedTokens, knownTokens, cachedFrom } = reservation;
    this.#waiting.remove(sequence);
    sequence.time.waited(sequence.waitsFor, now);
    sequence.slot = slot;
    sequence.cachedTokens = cachedTokens;
    sequence.cachedFrom = cachedFrom;
    sequence.prefilled = cachedTokens;
    this.#partings?.plan(sequence, knownTokens, this.#waiting.first(this.#sequences));
    sequence.startedAt = now;
    this.#cacheHitTokens += cachedTokens;
    this.#onStart({
      id,
      promptTokens: sequence.prompt.length,
      cachedPromptTokens: cachedTokens,
      prefix: { ...this.#study.started(sequence, reservation, now), sections },
    });
  }
}
