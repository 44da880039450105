import type { CommonBeginning, KvLayout } from "../kv-layout.ts";
import { commonPrefix } from "./common-prefix.ts";
import type { Loss, Reservation, Source } from "./reservation.ts";
import { MIN_SAVED_TOKENS, type SavedSequence, SavedSequences } from "./saved-sequences.ts";
import type { SavingPolicy } from "./saving-policy.ts";
import {
  isIdle,
  leastRecentlyUsed,
  MIN_COPIED_TOKENS,
  type SequenceMemory,
  type Slot,
  type SlotMove,
  Slots,
} from "./slots.ts";

/**
 * Tokens that finished sequences may keep together for others to share, where the context is small and all sequences
 * share one buffer: attention passes over them at a cost. In buffers of their own they cost nothing.
 */
const MIN_IDLE_TOKENS = 8192;

/** Tokens that finished sequences may keep together. */
export function maxIdleTokens(layout: KvLayout, contextPerSequence: number): number {
  return layout === "shared" ? Math.max(MIN_IDLE_TOKENS, 2 * contextPerSequence) : Number.POSITIVE_INFINITY;
}

/**
 * Owns the KV sequences and shares prefixes among them. A sequence's tokens stay after its request ends; a new
 * request takes over the longest common prefix from the sequence that holds it, busy or idle: an idle holder that
 * loses little is cut and reused in place, any other is copied. What must give way is saved, and restored for a prompt
 * that begins like it. At least one prompt token is always computed, because its logits are needed.
 *
 * A request finds only what requests of its own scope left, and pinned prefixes: what was sent with one key can't be
 * found out with another where each key has a scope of its own.
 */
export class PrefixCache {
  readonly #memory: SequenceMemory;
  readonly #table: Slots;
  readonly #slots: readonly Slot[];
  readonly #saved: SavedSequences;
  readonly #policy: SavingPolicy | undefined;
  #losses: Loss[] = [];

  /** `saved`: where sequences go that must give way; all of them without a policy. */
  constructor(memory: SequenceMemory, saved = new SavedSequences(0), policy?: SavingPolicy) {
    this.#memory = memory;
    this.#table = new Slots(memory, (slot) => this.#save(slot), saved.isOn);
    this.#slots = this.#table.all;
    this.#saved = saved;
    this.#policy = policy;
  }

  /** The KV sequences, in order. */
  get slots(): readonly Readonly<Slot>[] {
    return this.#slots;
  }

  get saved(): SavedSequences {
    return this.#saved;
  }

  /** What gave way since the last call. */
  takeLosses(): readonly Loss[] {
    const losses = this.#losses;
    this.#losses = [];
    return losses;
  }

  get hasIdleSlot(): boolean {
    return this.#slots.some(isIdle);
  }

  /** Nothing is held, for a request or for later ones. */
  get isEmpty(): boolean {
    return this.#slots.every(({ busy, tokens }) => !busy && tokens.length === 0);
  }

  /** Tokens that busy sequences hold. */
  get busyTokens(): number {
    return this.#slots.reduce((sum, slot) => sum + (slot.busy ? slot.tokens.length : 0), 0);
  }

  /** Leading tokens of `prompt` that are at hand in the context or in host memory. */
  longestPrefix(prompt: Int32Array, scope: string): number {
    const saved = this.#saved.longest(prompt, scope)?.shared ?? 0;
    return Math.max(
      Math.min(saved, prompt.length - 1),
      ...this.#slots.map((slot) => this.#reusable(slot, prompt, scope)),
    );
  }

  /**
   * Reserves a sequence for `prompt`, with the longest known prefix already in it.
   * When no idle sequence is worth reusing, the least recently used one is overwritten. `owner`: the request.
   * @throws Error when all are busy: ask `hasIdleSlot` first
   */
  reserve(prompt: Int32Array, now: number, scope = "", owner?: number): Reservation {
    const victim = leastRecentlyUsed(this.#table.idle);
    if (victim === undefined) throw new Error("every sequence is busy");

    const known = Math.max(
      ...this.#slots.map((slot) => (maySee(slot, scope) ? commonPrefix(slot.tokens, prompt) : 0)),
    );
    const holder = this.#longestHolder(prompt, scope);
    const held = holder === undefined ? 0 : this.#reusable(holder, prompt, scope);
    const found = this.#saved.longest(prompt, scope);
    const savedTokens = Math.min(found?.shared ?? 0, prompt.length - 1);
    // Reading it must be worth while.
    const saved = savedTokens >= held + MIN_SAVED_TOKENS ? found?.entry : undefined;
    const isInPlace =
      saved === undefined && holder !== undefined && this.#isBestReusedInPlace(holder, prompt, scope);
    const chosen = isInPlace ? holder : victim;
    const target = this.#memory.isOnePass ? chosen : this.#table.placeBesideBusy(chosen, isInPlace);
    const restored = saved === undefined ? 0 : this.#restore(saved, target, prompt);
    const { shared, source } =
      saved !== undefined && restored > 0
        ? {
            shared: restored,
            source: { way: "restored", owner: saved.owner, lastUsedAt: undefined } as const,
          }
        : this.#takeOver(target, prompt, scope);
    target.tokens.length = this.#memory.truncate(target.kvSequence, shared);
    target.busy = true;
    target.lastUsedAt = now;
    target.scope = scope;
    target.owner = owner;
    const cachedTokens = target.tokens.length;
    const isCached = cachedTokens > 0;
    if (restored > 0) this.#policy?.wanted(restored - held);
    return {
      slot: target,
      cachedTokens,
      knownTokens: known,
      savedTokens,
      cachedFrom: isCached ? (restored > 0 ? saved?.tier : "slot") : undefined,
      source: isCached ? source : undefined,
    };
  }

  /** Fills `target` from the sequence that holds most of the prompt; says how many tokens it then has of it. */
  #takeOver(
    target: Slot,
    prompt: Int32Array,
    scope: string,
  ): { readonly shared: number; readonly source: Source | undefined } {
    // Making place may have moved it.
    const donor = this.#longestHolder(prompt, scope);
    const shared = donor === undefined ? 0 : this.#worthTaking(donor, target, prompt, scope);
    const source = donor && {
      way: donor === target ? ("in_place" as const) : ("copied" as const),
      owner: donor.owner,
      lastUsedAt: donor.lastUsedAt,
    };
    if (donor !== undefined && target !== donor && shared > 0) this.#table.copy(donor, target, shared);
    else this.#save(target, shared);
    return { shared, source };
  }

  /** Returns the prompt's tokens that `target` has now; 0 where the state could not be read. */
  #restore(saved: SavedSequence, target: Slot, prompt: Int32Array): number {
    this.#save(target);
    target.tokens.length = 0;
    if (!this.#memory.restore(target.kvSequence, saved.state)) {
      this.#saved.forget(saved);
      return 0;
    }
    this.#saved.touch(saved);
    const shared = Math.min(commonPrefix(saved.tokens, prompt), prompt.length - 1);
    for (let position = 0; position < shared; position++)
      target.tokens.push(saved.tokens[position] as number);
    return shared;
  }

  /** Saves what `slot` is about to lose beyond its first `kept` tokens, unless it can be had elsewhere. */
  #save(slot: Slot, kept = 0, cause: Loss["cause"] = "overwritten"): void {
    const { kvSequence, tokens, owner } = slot;
    const lost = tokens.length - kept;
    if (slot.busy || lost < MIN_COPIED_TOKENS || this.#isHeldElsewhere(slot)) return;
    const isSaved = lost >= MIN_SAVED_TOKENS && this.#saved.isOn && this.#saveState(slot, lost);
    this.#losses.push({ kvSequence, owner, tokens: lost, kept, isSaved, cause });
  }

  #isHeldElsewhere({ kvSequence, tokens, scope }: Slot): boolean {
    return this.#slots.some(
      (other) =>
        other.kvSequence !== kvSequence &&
        maySee(other, scope) &&
        other.tokens.length >= tokens.length &&
        commonPrefix(other.tokens, tokens) === tokens.length,
    );
  }

  /** Keeps a sequence's state where it is not kept yet; false where it can't be saved, or that doesn't pay. */
  #saveState({ kvSequence, tokens, scope, owner }: Slot, lost: number): boolean {
    if (this.#saved.covers(tokens, scope)) return true;
    if (this.#policy?.lose(lost) === false) return false;
    const save = () => this.#stateOf(kvSequence);
    const state = this.#policy === undefined ? save() : this.#policy.measure(tokens.length, save);
    if (state === undefined) return false;
    this.#saved.keep({ tokens: Int32Array.from(tokens), state, scope, tier: "memory", owner });
    return true;
  }

  /** What sequences without a request hold, the most recently used first; each is read when it is asked for, and there until the next one is. */
  *idleSequences(): Generator<SavedSequence> {
    const newestFirst = this.#table.idle.toSorted((a, b) => b.lastUsedAt - a.lastUsedAt);
    for (const { kvSequence, tokens, scope } of newestFirst) {
      if (tokens.length < MIN_SAVED_TOKENS) continue;
      const state = this.#stateOf(kvSequence);
      if (state === undefined) continue;
      yield { tokens: Int32Array.from(tokens), state, scope, tier: "memory" };
      this.#saved.release(state);
    }
  }

  /** In memory that is to be given back. */
  #stateOf(sequence: number): Uint8Array | undefined {
    let room: Uint8Array | undefined;
    const state = this.#memory.save(sequence, (bytes) => {
      room = this.#saved.room(bytes);
      return room;
    });
    if (state === undefined && room !== undefined) this.#saved.release(room);
    return state;
  }

  closeGap(): SlotMove | undefined {
    return this.#table.closeGap();
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

  /** False when half of the sequences are pinned already: the rest is for requests. */
  get canPin(): boolean {
    const pinned = this.#slots.filter((slot) => slot.pinned).length;
    return (pinned + 1) * 2 <= this.#slots.length;
  }

  /** Keeps the first `length` tokens of a reserved slot for as long as the process lives. */
  pin(slot: Slot, length: number): void {
    slot.tokens.length = this.#memory.truncate(slot.kvSequence, length);
    slot.busy = false;
    slot.pinned = true;
    slot.owner = undefined;
  }

  /** Pins `tokens` in an idle sequence that `restore` fills; false, and nothing pinned, when it could not. */
  pinRestored(tokens: Int32Array, restore: (sequence: number) => boolean): boolean {
    const slot = this.#slots.findLast(isIdle);
    if (slot === undefined) return false;
    this.#save(slot);
    this.#memory.truncate(slot.kvSequence, 0);
    slot.tokens.length = 0;
    if (!restore(slot.kvSequence)) return false;
    slot.tokens.push(...tokens);
    slot.pinned = true;
    slot.owner = undefined;
    return true;
  }

  /** Ends a reservation; the tokens stay for others to share. */
  release(slot: Slot, now: number): void {
    slot.busy = false;
    slot.lastUsedAt = now;
  }

  /** Of each sequence that begins like an earlier one, the one that it has most in common with. */
  commonBeginnings(): Map<number, CommonBeginning> {
    const found = new Map<number, CommonBeginning>();
    for (const slot of this.#slots) {
      const earlier = this.#slots
        .slice(0, slot.kvSequence)
        .filter((other) => maySee(other, slot.scope))
        .map((other) => ({ source: other.kvSequence, length: commonPrefix(other.tokens, slot.tokens) }));
      const longest = earlier.reduce((best, other) => (other.length > best.length ? other : best), {
        source: -1,
        length: MIN_COPIED_TOKENS - 1,
      });
      if (longest.source >= 0) found.set(slot.kvSequence, longest);
    }
    return found;
  }

  /** Where sequences without a request hold more than `maxTokens` together, the least recently used give theirs up. */
  trim(maxTokens: number): void {
    const idle = this.#slots.filter((other) => isIdle(other) && other.tokens.length > 0);
    let held = idle.reduce((sum, { tokens }) => sum + tokens.length, 0);
    for (const oldest of idle.toSorted((a, b) => a.lastUsedAt - b.lastUsedAt)) {
      if (held <= maxTokens) return;
      held -= oldest.tokens.length;
      this.#save(oldest, 0, "trimmed");
      this.#memory.truncate(oldest.kvSequence, 0);
      oldest.tokens.length = 0;
    }
  }

  /** Ends a reservation whose keys and values can no longer be trusted. */
  discard(slot: Slot, now: number): void {
    this.#memory.truncate(slot.kvSequence, 0);
    slot.tokens.length = 0;
    this.release(slot, now);
  }

  /** Leading prompt tokens a request can take over from `slot`: all but the last, whose logits it needs. */
  #reusable(slot: Slot, prompt: Int32Array, scope: string): number {
    if (!maySee(slot, scope)) return 0;
    const common = Math.min(commonPrefix(slot.tokens, prompt), prompt.length - 1);
    return common <= 0 ? 0 : this.#memory.keptBy(slot.kvSequence, common);
  }

  #worthTaking(donor: Slot, target: Slot, prompt: Int32Array, scope: string): number {
    const shared = this.#reusable(donor, prompt, scope);
    return donor === target || shared >= MIN_COPIED_TOKENS ? shared : 0;
  }

  /** In place costs nothing but the holder's own tail, so it must lose less than half of what it holds. */
  #isBestReusedInPlace(donor: Slot, prompt: Int32Array, scope: string): boolean {
    return isIdle(donor) && this.#reusable(donor, prompt, scope) * 2 >= donor.tokens.length;
  }

  #longestHolder(prompt: Int32Array, scope: string): Slot | undefined {
    let best: Slot | undefined;
    let longest = 0;
    for (const slot of this.#slots) {
      const shared = this.#reusable(slot, prompt, scope);
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
      const held = lengthOf(slot.kvSequence);
      if (held !== slot.tokens.length) {
        throw new Error(
          `sequence ${slot.kvSequence} holds ${held} tokens, its slot says ${slot.tokens.length}`,
        );
      }
    }
  }
}

function maySee(slot: Slot, scope: string): boolean {
  return slot.pinned || slot.scope === scope;
}
