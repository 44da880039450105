import { commonPrefix } from "../kv-cache/common-prefix.ts";
import type { PrefixCache } from "../kv-cache/prefix-cache.ts";
import { batchSequences } from "../lane.ts";
import type { Sequence } from "./sequence.ts";

/** A prefix this much longer than what is at hand is worth waiting for. */
const MIN_SHARED_TOKENS = 32;

/** Requests without a sequence, interactive ones first, otherwise first come, first served. */
export class WaitingQueue {
  readonly #batchLimit: number;
  #sequences: Sequence[] = [];

  /** `capacity` is the number of sequences that can run side by side. */
  constructor(capacity: number) {
    this.#batchLimit = batchSequences(capacity);
  }

  get length(): number {
    return this.#sequences.length;
  }

  find(id: number): Sequence | undefined {
    return this.#sequences.find((sequence) => sequence.id === id);
  }

  /** The first `count` in line. */
  first(count: number): readonly Sequence[] {
    return this.#sequences.slice(0, count);
  }

  add(sequence: Sequence): void {
    const isBatch = sequence.lane === "batch";
    const at = isBatch ? -1 : this.#sequences.findIndex((other) => other.lane === "batch");
    if (at < 0) this.#sequences.push(sequence);
    else this.#sequences.splice(at, 0, sequence);
  }

  remove(sequence: Sequence): void {
    this.#sequences = this.#sequences.filter((other) => other !== sequence);
  }

  /**
   * The next request to run: the first that need not wait for a prefix that is on its way, and, when it is batch
   * work, only within batch work's share of the sequences.
   */
  next(running: readonly Sequence[], cache: PrefixCache): Sequence | undefined {
    if (!cache.hasIdleSlot) return undefined;
    return this.#sequences.find((sequence) => this.#obstacle(sequence, running, cache) === undefined);
  }

  /** Accounts for the time waited until `now`, and for what each request waits from now on. */
  explain(running: readonly Sequence[], cache: PrefixCache, now: number): void {
    const { hasIdleSlot } = cache;
    for (const sequence of this.#sequences) {
      sequence.time.waited(sequence.waitsFor, now);
      sequence.waitsFor = (hasIdleSlot ? this.#obstacle(sequence, running, cache) : undefined) ?? "sequence";
    }
  }

  /** What keeps a request from an idle sequence. */
  #obstacle(
    sequence: Sequence,
    running: readonly Sequence[],
    cache: PrefixCache,
  ): "lane" | "prefix" | undefined {
    if (sequence.lane === "batch") {
      const batchRunning = running.filter(({ lane }) => lane === "batch").length;
      if (batchRunning >= this.#batchLimit) return "lane";
    }
    return isPrefixOnItsWay(sequence, running, cache) ? "prefix" : undefined;
  }
}

/**
 * Whether a running prompt is still computing a prefix that `sequence` could reuse. An interactive request does not
 * wait for batch work, which may take its time.
 */
function isPrefixOnItsWay(sequence: Sequence, running: readonly Sequence[], cache: PrefixCache): boolean {
  const { shareablePrompt: prompt, scope } = sequence;
  const longest = Math.max(
    0,
    ...running
      .filter((other) => other.scope === scope)
      .filter((other) => other.isPrefilling && (other.lane === "interactive" || sequence.lane === "batch"))
      .map((other) => ({ other, shared: Math.min(commonPrefix(other.prompt, prompt), prompt.length - 1) }))
      .filter(({ other, shared }) => shared > other.prefilled)
      .map(({ shared }) => shared),
  );
  return longest > 0 && longest >= cache.longestPrefix(prompt, scope) + MIN_SHARED_TOKENS;
}
