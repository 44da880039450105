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
  /**
   * Keys and values of `sequence` as `restore` takes them, whatever sequence and layout they go to, in what `room` gives
   * for a number of bytes. Undefined for what can't be saved.
   */
  save(sequence: number, room: (bytes: number) => Uint8Array): Uint8Array | undefined;
  /** Makes `sequence` hold what was saved. False, and the sequence empty, where that can't be. */
  restore(sequence: number, state: Uint8Array): boolean;
}

/** One KV sequence of the context and the tokens whose keys and values it holds. */
export interface Slot {
  readonly kvSequence: number;
  readonly tokens: number[];
  busy: boolean;
  /** Holds a configured prefix: copied from, never written to, and there for all scopes. */
  pinned: boolean;
  lastUsedAt: number;
  /** Whose prompts may take over what it holds. */
  scope: string;
  /** The latest request that had it; undefined for pinned prefixes and what an earlier process left. */
  owner: number | undefined;
}

/** Free to be given to a request. */
export function isIdle(slot: Slot): boolean {
  return !slot.busy && !slot.pinned;
}

/** The slot to overwrite. One never used counts as the oldest. */
export function leastRecentlyUsed(idle: readonly Slot[]): Slot | undefined {
  let victim: Slot | undefined;
  for (const slot of idle) {
    if (victim === undefined || slot.lastUsedAt < victim.lastUsedAt) victim = slot;
  }
  return victim;
}

/** What a running sequence's cache was moved from and to. */
export interface SlotMove {
  readonly from: Slot;
  readonly to: Slot;
}

/** Below this many tokens computing them anew costs less than copying a sequence's cache. */
export const MIN_COPIED_TOKENS = 16;

/**
 * The context's KV sequences, and where in them requests run: side by side, because each gap between the numbers of
 * running sequences costs a pass over the weights (`passes.ts`).
 */
export class Slots {
  readonly all: readonly Slot[];
  readonly #memory: SequenceMemory;
  readonly #beforeLoss: (slot: Slot) => void;
  readonly #isLossSaved: boolean;

  /**
   * `beforeLoss` is called with a slot whose content is about to be overwritten. `isLossSaved` says that it keeps the
   * content: then nothing is moved out of a running request's way, which takes a further copy.
   */
  constructor(memory: SequenceMemory, beforeLoss: (slot: Slot) => void, isLossSaved: boolean) {
    this.#memory = memory;
    this.#beforeLoss = beforeLoss;
    this.#isLossSaved = isLossSaved;
    this.all = Array.from({ length: memory.sequences }, (_, kvSequence) => ({
      kvSequence,
      tokens: [],
      busy: false,
      pinned: false,
      lastUsedAt: Number.NEGATIVE_INFINITY,
      scope: "",
      owner: undefined,
    }));
  }

  get idle(): readonly Slot[] {
    return this.all.filter(isIdle);
  }

  /**
   * Moves one running sequence of the first or last stretch of busy ones, whichever is shorter, to the others.
   * Undefined where all are neighbours, or where there is no place.
   */
  closeGap(): SlotMove | undefined {
    const busy = this.all.filter((slot) => slot.busy);
    const isBorder = busy.map((slot, index) => slot.kvSequence !== (busy[index - 1]?.kvSequence ?? 0) + 1);
    const second = isBorder.indexOf(true, 1);
    if (second < 0) return undefined;
    const first = busy.slice(0, second);
    const last = busy.slice(isBorder.lastIndexOf(true));
    const [stretch, from] = first.length < last.length ? [first, first[0]] : [last, last.at(-1)];
    const others = busy.filter((slot) => !stretch.includes(slot));
    const stretches = runs(others.map(({ kvSequence }) => kvSequence));
    const to = this.#places(others)[0];
    if (from === undefined || to === undefined) return undefined;
    if (runs([...others, to].map(({ kvSequence }) => kvSequence)) > stretches) return undefined;
    this.#makeWay(to, [from]);
    this.#move(from, to);
    from.busy = false;
    to.busy = true;
    return { from, to };
  }

  /** The idle slot that leaves the fewest stretches of busy ones: `chosen` if it is as good as any. Its content becomes the chosen one's where that is wanted. */
  placeBesideBusy(chosen: Slot, isContentWanted: boolean): Slot {
    const busy = this.all.filter((slot) => slot.busy);
    const stretches = (place: Slot) => runs([...busy, place].map(({ kvSequence }) => kvSequence));
    const place = this.#places(busy)[0] ?? chosen;
    if (stretches(chosen) <= stretches(place)) return chosen;
    if (isContentWanted) {
      this.#makeWay(place, [chosen]);
      this.#move(chosen, place);
    } else if (!this.#isLossSaved && chosen.lastUsedAt < place.lastUsedAt) this.#move(place, chosen);
    return place;
  }

  /** Idle slots, those first that leave the fewest stretches beside `busy`, and of equal ones the least recently used. */
  #places(busy: readonly Slot[]): readonly Slot[] {
    const stretches = new Map(
      this.idle.map((slot) => [slot, runs([...busy, slot].map(({ kvSequence }) => kvSequence))] as const),
    );
    return [...stretches.keys()].toSorted(
      (a, b) => (stretches.get(a) ?? 0) - (stretches.get(b) ?? 0) || a.lastUsedAt - b.lastUsedAt,
    );
  }

  /** Moves what an idle `place` holds to where something older is; not to `except`. */
  #makeWay(place: Slot, except: readonly Slot[]): void {
    if (this.#isLossSaved) return;
    const others = this.all.filter((slot) => isIdle(slot) && slot !== place && !except.includes(slot));
    const oldest = leastRecentlyUsed(others);
    if (oldest !== undefined && oldest.lastUsedAt < place.lastUsedAt) this.#move(place, oldest);
  }

  /** `to` holds what `from` held, and `from` nothing. */
  #move(from: Slot, to: Slot): void {
    if (from.tokens.length >= MIN_COPIED_TOKENS || from.busy) {
      this.copy(from, to, from.tokens.length);
      to.lastUsedAt = from.lastUsedAt;
    }
    this.#memory.truncate(from.kvSequence, 0);
    from.tokens.length = 0;
    from.lastUsedAt = Number.NEGATIVE_INFINITY;
  }

  /** `to` holds the first `length` tokens of `from`, at least: the memory has all of them until it is cut. */
  copy(from: Slot, to: Slot, length: number): void {
    this.#beforeLoss(to);
    this.#memory.copy(from.kvSequence, to.kvSequence);
    to.tokens.length = 0;
    for (let position = 0; position < length; position++) to.tokens.push(from.tokens[position] as number);
    to.scope = from.scope;
    to.owner = from.owner;
  }
}
