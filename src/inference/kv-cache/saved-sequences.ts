import type { CacheTier } from "../cache-tier.ts";
import { commonPrefix } from "./common-prefix.ts";
import { StateMemory } from "./state-memory.ts";

/** A sequence that lost its place in the context: its tokens, and their keys and values. */
export interface SavedSequence {
  readonly tokens: Int32Array;
  readonly state: Uint8Array;
  /** Whose prompts may find it; see `Slot`. */
  readonly scope: string;
  readonly tier: Exclude<CacheTier, "slot">;
  /** The request that had it, of this process. */
  readonly owner?: number | undefined;
}

/** Below this many tokens computing them anew costs as little as keeping them. */
export const MIN_SAVED_TOKENS = 64;

/**
 * Keys and values in host memory, within a budget; the least recently used goes when there are too many. What was read
 * from disk is kept here until it is put into the context, whatever the budget.
 */
export class SavedSequences {
  readonly #maxBytes: number;
  readonly #onDropped: ((dropped: SavedSequence) => Promise<void> | undefined) | undefined;
  readonly #memory = new StateMemory();
  /** The least recently used first. */
  readonly #entries = new Set<SavedSequence>();
  #bytes = 0;

  /** `onDropped` is called with what is dropped for lack of room; its state is as it was until the promise settles. */
  constructor(maxBytes: number, onDropped?: (dropped: SavedSequence) => Promise<void> | undefined) {
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
  }

  /** False where saving would be in vain. */
  get isOn(): boolean {
    return this.#maxBytes > 0 || this.#onDropped !== undefined;
  }

  /** What it holds now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The most recently used first. */
  get newestFirst(): readonly SavedSequence[] {
    return [...this.#entries].reverse();
  }

  /** Where the state of a sequence may be written that is kept here, or given back by `release`. */
  room(bytes: number): Uint8Array {
    return this.#memory.take(bytes);
  }

  release(state: Uint8Array): void {
    this.#memory.give(state);
  }

  /** Takes in a sequence that lost its place, if it fits. */
  keep(saved: SavedSequence): void {
    if (saved.state.length <= this.#maxBytes) this.add(saved);
    else this.#drop(saved);
  }

  /** Takes in a sequence, which stays for now even where it is over the budget. What it begins like goes, since it has that too. */
  add(added: SavedSequence): void {
    for (const entry of this.#entries) {
      if (entry.scope === added.scope && isPrefix(entry.tokens, added.tokens)) this.forget(entry);
    }
    this.#entries.add(added);
    this.#bytes += added.state.length;
    for (const oldest of this.#entries) {
      if (this.#bytes <= this.#maxBytes || oldest === added) return;
      this.#remove(oldest);
      this.#drop(oldest);
    }
  }

  /** Whether some entry begins with `tokens`. */
  covers(tokens: ArrayLike<number>, scope: string): boolean {
    return this.#entries.values().some((entry) => entry.scope === scope && isPrefix(tokens, entry.tokens));
  }

  /** The entry that has the most leading tokens in common with `prompt`, and how many. */
  longest(
    prompt: ArrayLike<number>,
    scope: string,
  ): { readonly entry: SavedSequence; readonly shared: number } | undefined {
    let best: { entry: SavedSequence; shared: number } | undefined;
    for (const entry of this.#entries) {
      const shared = entry.scope === scope ? commonPrefix(entry.tokens, prompt) : 0;
      if (shared > (best?.shared ?? 0)) best = { entry, shared };
    }
    return best;
  }

  /** An entry was used just now; wherever it came from, it is in memory. */
  touch(entry: SavedSequence): void {
    if (!this.#entries.delete(entry)) return;
    this.#entries.add(entry.tier === "memory" ? entry : { ...entry, tier: "memory" });
  }

  /** Forgets an entry, as one that can't be restored. Its state's memory may be written to by the next that is saved. */
  forget(entry: SavedSequence): void {
    if (this.#remove(entry)) this.release(entry.state);
  }

  #remove(entry: SavedSequence): boolean {
    const isThere = this.#entries.delete(entry);
    if (isThere) this.#bytes -= entry.state.length;
    return isThere;
  }

  #drop(dropped: SavedSequence): void {
    const release = () => this.release(dropped.state);
    const using = this.#onDropped?.(dropped);
    if (using === undefined) release();
    else void using.finally(release);
  }
}

function isPrefix(beginning: ArrayLike<number>, tokens: ArrayLike<number>): boolean {
  return beginning.length <= tokens.length && commonPrefix(beginning, tokens) === beginning.length;
}
