import { runs } from "./passes.ts";

/** The part of an inference context that the cache drives: it moves and cuts KV sequences. */
export interface SequenceMemory {
  readonly sequences: number;
  /** Rows of all sequences are computed in one pass over the weights, whatever their numbers. */
  readonly isOnePass: boolean;
  /**
   * Whether a sequence can be cut at any token. False for memories that keep a state, which recurrent and hybrid models
   * have: they go back only to a state that was kept.
   */
  readonly canCut: boolean;
  /** Tokens that `truncate` to `length` would leave: `length`, or fewer where the memory can't be cut there. */
  keptBy(sequence: number, length: number): number;
  /** Forgets the tokens of `sequence` at positions ≥ `length`; returns how many it holds now, `length` or fewer. */
  truncate(sequence: number, length: number): number;
  /** Makes `target` hold what `source` holds. */
  copy(source: number, target: number): void;
}

/** One KV sequence of the context and the tokens whose keys and values it holds. */
export interface Slot {
  readonly sequence: number;
  readonly tokens: number[];
  busy: boolean;
  /** Holds a configured prefix: copied from, never written to. */
  pinned: boolean;
  lastUsedAt: number;
}

export interface Reservation {
  readonly slot: Slot;
  /** Leading prompt tokens whose keys and values are there already. */
  readonly cachedTokens: number;
  /** Leading tokens in common with what some sequence holds, whether they could be taken over or not. */
  readonly knownTokens: number;
}

/**
 * Owns the KV sequences and shares prefixes among them. A sequence's tokens stay after its request ends; a new
 * request takes over the longest common prefix from whichever sequence holds it, busy or idle: an idle holder that
 * loses little is cut and reused in place, any other is copied. Where the sequences' numbers decide how many passes a
 * step takes, what a request gets is moved beside the busy sequences, and what is idle there is moved out of the way. At least one prompt token is always computed, because
 * its logits are needed.
 */
export class PrefixCache {
  readonly #memory: SequenceMemory;
  readonly #slots: readonly Slot[];
  readonly #maxIdleTokens: number;

  /** `maxIdleTokens`: what sequences without a request may hold together. Attention passes over them at a small cost. */
  constructor(memory: SequenceMemory, maxIdleTokens: number) {
    this.#memory = memory;
    this.#maxIdleTokens = maxIdleTokens;
    this.#slots = Array.from({ length: memory.sequences }, (_, sequence) => ({
      sequence,
      tokens: [],
      busy: false,
      pinned: false,
      lastUsedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  get hasIdleSlot(): boolean {
    return this.#slots.some(isIdle);
  }

  /** Tokens that busy sequences hold. */
  get busyTokens(): number {
    return this.#slots.reduce((sum, slot) => sum + (slot.busy ? slot.tokens.length : 0), 0);
  }

  /** Leading tokens of `prompt` that some sequence holds now. */
  longestPrefix(prompt: Int32Array): number {
    return Math.max(0, ...this.#slots.map((slot) => this.#reusable(slot, prompt)));
  }

  /**
   * Reserves a sequence for `prompt`, with the longest known prefix already in it.
   * When no idle sequence is worth reusing, the least recently used one is overwritten.
   * @throws Error when all are busy: ask `hasIdleSlot` first
   */
  reserve(prompt: Int32Array, now: number): Reservation {
    const idle = this.#slots.filter(isIdle);
    const victim = leastRecentlyUsed(idle);
    if (victim === undefined) throw new Error("every sequence is busy");

    const known = Math.max(...this.#slots.map(({ tokens }) => commonPrefix(tokens, prompt)));
    const holder = this.#longestHolder(prompt);
    const chosen = holder !== undefined && this.#isBestReusedInPlace(holder, prompt) ? holder : victim;
    const target = this.#memory.isOnePass ? chosen : this.#placeBesideBusy(chosen, chosen === holder);
    // Making place may have moved it.
    const donor = this.#longestHolder(prompt);
    let shared = donor === undefined ? 0 : this.#worthTaking(donor, target, prompt);
    if (donor !== undefined && target !== donor && shared > 0) {
      this.#memory.copy(donor.sequence, target.sequence);
      target.tokens.length = 0;
      for (let position = 0; position < shared; position++)
        target.tokens.push(donor.tokens[position] as number);
    }
    shared = this.#memory.truncate(target.sequence, shared);
    target.tokens.length = shared;
    target.busy = true;
    target.lastUsedAt = now;
    return { slot: target, cachedTokens: shared, knownTokens: known };
  }

  /**
   * Moves one running sequence of the first or last stretch of busy ones, whichever is shorter, to the others.
   * Undefined where all are neighbours, or where there is no place.
   */
  closeGap(): { readonly from: Slot; readonly to: Slot } | undefined {
    const busy = this.#slots.filter((slot) => slot.busy);
    const isBorder = busy.map((slot, index) => slot.sequence !== (busy[index - 1]?.sequence ?? 0) + 1);
    const second = isBorder.indexOf(true, 1);
    if (second < 0) return undefined;
    const first = busy.slice(0, second);
    const last = busy.slice(isBorder.lastIndexOf(true));
    const [stretch, from] = first.length < last.length ? [first, first[0]] : [last, last.at(-1)];
    const others = busy.filter((slot) => !stretch.includes(slot));
    const stretches = runs(others.map(({ sequence }) => sequence));
    const to = this.#places(others)[0];
    if (from === undefined || to === undefined) return undefined;
    if (runs([...others, to].map(({ sequence }) => sequence)) > stretches) return undefined;
    this.#makeWay(to, [from]);
    this.#move(from, to);
    from.busy = false;
    to.busy = true;
    return { from, to };
  }

  /** Whether a row may be computed in `sequence` and forgotten again. */
  canBridge(sequence: number, contextPerSequence: number): boolean {
    const slot = this.#slots[sequence];
    return slot !== undefined && !slot.pinned && slot.tokens.length < contextPerSequence;
  }

  /** Tokens that `sequence` holds. */
  length(sequence: number): number {
    return this.#slots[sequence]?.tokens.length ?? 0;
  }

  /** The idle slot that leaves the fewest stretches of busy ones: `chosen` if it is as good as any. Its content becomes the chosen one's where that is wanted. */
  #placeBesideBusy(chosen: Slot, isContentWanted: boolean): Slot {
    const busy = this.#slots.filter((slot) => slot.busy);
    const stretches = (place: Slot) => runs([...busy, place].map(({ sequence }) => sequence));
    const place = this.#places(busy)[0] ?? chosen;
    if (stretches(chosen) <= stretches(place)) return chosen;
    if (isContentWanted) {
      this.#makeWay(place, [chosen]);
      this.#move(chosen, place);
    } else if (chosen.lastUsedAt < place.lastUsedAt) this.#move(place, chosen);
    return place;
  }

  /** Idle slots, those first that leave the fewest stretches beside `busy`, and of equal ones the least recently used. */
  #places(busy: readonly Slot[]): readonly Slot[] {
    const stretches = new Map(
      this.#slots
        .filter(isIdle)
        .map((slot) => [slot, runs([...busy, slot].map(({ sequence }) => sequence))] as const),
    );
    return [...stretches.keys()].toSorted(
      (a, b) => (stretches.get(a) ?? 0) - (stretches.get(b) ?? 0) || a.lastUsedAt - b.lastUsedAt,
    );
  }

  /** Moves what an idle `place` holds to where something older is; not to `except`. */
  #makeWay(place: Slot, except: readonly Slot[]): void {
    const others = this.#slots.filter((slot) => isIdle(slot) && slot !== place && !except.includes(slot));
    const oldest = leastRecentlyUsed(others);
    if (oldest !== undefined && oldest.lastUsedAt < place.lastUsedAt) this.#move(place, oldest);
  }

  /** `to` holds what `from` held, and `from` nothing. */
  #move(from: Slot, to: Slot): void {
    if (from.tokens.length >= MIN_COPIED_TOKENS || from.busy) {
      this.#memory.copy(from.sequence, to.sequence);
      to.tokens.length = 0;
      for (const token of from.tokens) to.tokens.push(token);
      to.lastUsedAt = from.lastUsedAt;
    }
    this.#memory.truncate(from.sequence, 0);
    from.tokens.length = 0;
    from.lastUsedAt = Number.NEGATIVE_INFINITY;
  }

  /** False when half of the sequences are pinned already: the rest is for requests. */
  get canPin(): boolean {
    const pinned = this.#slots.filter((slot) => slot.pinned).length;
    return (pinned + 1) * 2 <= this.#slots.length;
  }

  /** Keeps the first `length` tokens of a reserved slot for as long as the process lives. */
  pin(slot: Slot, length: number): void {
    slot.tokens.length = this.#memory.truncate(slot.sequence, length);
    slot.busy = false;
    slot.pinned = true;
  }

  /** Pins `tokens` in an idle sequence that `restore` fills; false, and nothing pinned, when it could not. */
  pinRestored(tokens: Int32Array, restore: (sequence: number) => boolean): boolean {
    const slot = this.#slots.findLast(isIdle);
    if (slot === undefined) return false;
    this.#memory.truncate(slot.sequence, 0);
    slot.tokens.length = 0;
    if (!restore(slot.sequence)) return false;
    slot.tokens.push(...tokens);
    slot.pinned = true;
    return true;
  }

  /** Ends a reservation; the tokens stay for others to share, and the least recently used ones go when they are too many. */
  release(slot: Slot, now: number): void {
    slot.busy = false;
    slot.lastUsedAt = now;
    const idle = this.#slots.filter((other) => isIdle(other) && other.tokens.length > 0);
    let held = idle.reduce((sum, { tokens }) => sum + tokens.length, 0);
    for (const oldest of idle.toSorted((a, b) => a.lastUsedAt - b.lastUsedAt)) {
      if (held <= this.#maxIdleTokens) return;
      held -= oldest.tokens.length;
      this.#memory.truncate(oldest.sequence, 0);
      oldest.tokens.length = 0;
    }
  }

  /** Ends a reservation whose keys and values can't be trusted any more. */
  discard(slot: Slot, now: number): void {
    this.#memory.truncate(slot.sequence, 0);
    slot.tokens.length = 0;
    this.release(slot, now);
  }

  /** Leading prompt tokens a request can take over from `slot`: all but the last, whose logits it needs. */
  #reusable(slot: Slot, prompt: Int32Array): number {
    const common = Math.min(commonPrefix(slot.tokens, prompt), prompt.length - 1);
    return common <= 0 ? 0 : this.#memory.keptBy(slot.sequence, common);
  }

  #worthTaking(donor: Slot, target: Slot, prompt: Int32Array): number {
    const shared = this.#reusable(donor, prompt);
    return donor === target || shared >= MIN_COPIED_TOKENS ? shared : 0;
  }

  /** In place costs nothing but the holder's own tail, so it must lose less than half of what it holds. */
  #isBestReusedInPlace(donor: Slot, prompt: Int32Array): boolean {
    return isIdle(donor) && this.#reusable(donor, prompt) * 2 >= donor.tokens.length;
  }

  #longestHolder(prompt: Int32Array): Slot | undefined {
    let best: Slot | undefined;
    let longest = 0;
    for (const slot of this.#slots) {
      const shared = this.#reusable(slot, prompt);
      // Of equal holders an idle one is better: reusing it in place copies nothing.
      const isBetterEqual =
        shared === longest && shared > 0 && best !== undefined && !isIdle(best) && isIdle(slot);
      if (shared > longest || isBetterEqual) {
        best = slot;
        longest = shared;
      }
    }
    return best;
  }

  /** @throws Error when a slot's length differs from the context's count */
  checkIntegrity(lengthOf: (sequence: number) => number): void {
    for (const slot of this.#slots) {
      const held = lengthOf(slot.sequence);
      if (held !== slot.tokens.length) {
        throw new Error(
          `sequence ${slot.sequence} holds ${held} tokens, its slot says ${slot.tokens.length}`,
        );
      }
    }
  }
}

/** Free to be given to a request. */
function isIdle(slot: Slot): boolean {
  return !slot.busy && !slot.pinned;
}

/** Leading tokens two lists have in common. */
export function commonPrefix(tokens: ArrayLike<number>, prompt: ArrayLike<number>): number {
  const limit = Math.min(tokens.length, prompt.length);
  let length = 0;
  while (length < limit && tokens[length] === prompt[length]) length++;
  return length;
}

/** Below this many tokens computing them anew costs less than copying a sequence's cache. */
const MIN_COPIED_TOKENS = 16;

/** The idle slot to overwrite. A slot never used counts as the oldest. */
function leastRecentlyUsed(idle: readonly Slot[]): Slot | undefined {
  let victim: Slot | undefined;
  for (const slot of idle) {
    if (victim === undefined || slot.lastUsedAt < victim.lastUsedAt) victim = slot;
  }
  return victim;
}
