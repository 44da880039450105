import { Distinctness } from "./distinctness.ts";
import type { Form } from "./expression.ts";
import { Network } from "./network.ts";
import { NetworkMachine, type NetworkState } from "./network-state.ts";
import { workDone } from "./state.ts";
import { allow, type TokenTable, type TokenTrie } from "./token-trie.ts";

/** Masks kept for one form. */
const MAX_MASKS = 400;
/** Transitions worked out for one mask; a mask is only begun where that is not enough, and still right as far as it goes. */
const MAX_WORK = 20_000;

/** A form made ready for a vocabulary; shared by all texts that are held to it. */
export class TokenForm {
  readonly table: TokenTable;
  readonly start: NetworkState;
  readonly comparesValues: boolean;
  readonly #masks = new Map<NetworkState, Uint32Array>();

  /** @throws NetworkError, AmbiguityError */
  constructor(form: Form, table: TokenTable) {
    this.table = table;
    const network = new Network(
      form,
      table.controls.map(({ text }) => text),
    );
    this.start = new NetworkMachine(network).start;
    this.comparesValues = network.comparesValues;
  }

  matcher(): TokenMatcher {
    return new TokenMatcher(this);
  }

  /** Tokens that may come next, as bits; keys and items that must differ are not compared. */
  mask(exact: NetworkState): Uint32Array {
    const state = exact.relaxed(this.table.longest);
    const known = this.#masks.get(state);
    if (known !== undefined) return known;
    const { table } = this;
    const free = state.freeCharacters;
    const mask = free > 0 ? table.freeMask(free).slice() : table.emptyMask();
    const limit = workDone() + MAX_WORK;
    let isWhole = walk(state, table.other, mask, limit);
    if (free === 0) isWhole = walk(state, table.plain, mask, limit) && isWhole;
    if (state.readsTokens)
      for (const { token, text } of table.controls) if (state.stepToken(text) !== null) allow(mask, token);
    if (state.isComplete) for (const token of table.endTokens) allow(mask, token);
    if (isWhole) {
      if (this.#masks.size >= MAX_MASKS) this.#masks.clear();
      this.#masks.set(state, mask);
    }
    return mask;
  }
}

/** Adds the tokens of a trie that a state allows; false where the work was broken off. */
function walk(start: NetworkState, trie: TokenTrie, mask: Uint32Array, limit: number): boolean {
  const { bytes, depths, skips, firsts, tokens } = trie;
  const states: NetworkState[] = [start];
  const count = bytes.length;
  let hasFound = false;
  for (let node = 0; node < count; ) {
    const depth = depths[node] as number;
    const next = (states[depth] as NetworkState).step(bytes[node] as number);
    if (next === null) {
      node = skips[node] as number;
      continue;
    }
    states[depth + 1] = next;
    for (let at = firsts[node] as number; at < (firsts[node + 1] as number); at++) {
      allow(mask, tokens[at] as number);
      hasFound = true;
    }
    node++;
    if ((node & 63) === 0 && hasFound && workDone() > limit) return false;
  }
  return true;
}

interface Place {
  readonly state: NetworkState;
  readonly distinct: Distinctness | undefined;
}

/** Holds one text to a form, token by token. */
export class TokenMatcher {
  readonly #form: TokenForm;
  #place: Place;

  constructor(form: TokenForm, place: Place = { state: form.start, distinct: undefined }) {
    this.#form = form;
    this.#place = place;
  }

  clone(): TokenMatcher {
    return new TokenMatcher(this.#form, this.#place);
  }

  /** Whether the text may end here. */
  get isComplete(): boolean {
    return this.#place.state.isComplete;
  }

  /** Whether the text can only end here. */
  get isFinal(): boolean {
    return this.#place.state.isFinal;
  }

  allows(token: number): boolean {
    if (this.#form.table.vocabulary.isEndOfGeneration(token)) return this.isComplete;
    return this.#after(token) !== null;
  }

  /** Takes a token; what ends the generation changes nothing. @throws Error for a token that is not allowed */
  accept(token: number): void {
    if (this.#form.table.vocabulary.isEndOfGeneration(token)) return;
    const next = this.#after(token);
    if (next === null) throw new Error(`token ${token} is not allowed here`);
    this.#place = next;
  }

  /** Takes bytes of text; false where they are not allowed, and nothing is taken. */
  acceptBytes(bytes: Uint8Array): boolean {
    const next = this.#afterBytes(bytes);
    if (next !== null) this.#place = next;
    return next !== null;
  }

  /** Tokens that may come next, as bits. A token in it may still prove to repeat a key or an item: see `allows`. */
  mask(): Uint32Array {
    return this.#form.mask(this.#place.state);
  }

  /** The bytes that must come next, as far as there is no choice. */
  forcedBytes(limit = 256): Uint8Array {
    const forced: number[] = [];
    let { state } = this.#place;
    while (forced.length < limit && !state.isComplete && !state.readsTokens) {
      let only: number | undefined;
      let count = 0;
      for (let byte = 0; byte < 256 && count < 2; byte++) {
        if (state.step(byte) === null) continue;
        only = byte;
        count++;
      }
      const next = count === 1 && only !== undefined ? state.step(only) : null;
      if (only === undefined || next === null) break;
      forced.push(only);
      state = next;
    }
    return Uint8Array.from(forced);
  }

  /** Tokens that spell the bytes that must come next, longest first: a good guess of what will be drawn. */
  forcedTokens(limit: number): readonly number[] {
    const bytes = this.forcedBytes();
    const tokens: number[] = [];
    for (let at = 0; at < bytes.length && tokens.length < limit; ) {
      const found = longestToken(this.#form.table, bytes, at);
      if (found === undefined) break;
      tokens.push(found.token);
      at += found.length;
    }
    return tokens;
  }

  #after(token: number): Place | null {
    const text = this.#form.table.controlText(token);
    if (text !== undefined) {
      const state = this.#place.state.stepToken(text);
      return state && { state, distinct: state.values.length > 0 ? this.#place.distinct : undefined };
    }
    const bytes = this.#form.table.vocabulary.piece(token);
    return bytes.length === 0 ? null : this.#afterBytes(bytes);
  }

  #afterBytes(bytes: Uint8Array): Place | null {
    let { state, distinct } = this.#place;
    for (const byte of bytes) {
      const next = state.step(byte);
      if (next === null) return null;
      state = next;
      if (!this.#form.comparesValues) continue;
      const values = state.values;
      if (values.length === 0) {
        // The last byte may have ended a value, and with it what had to differ.
        if (distinct?.step(byte, false, undefined) === null) return null;
        distinct = undefined;
        continue;
      }
      const isUnique = values.some(({ wantsUnique }) => wantsUnique);
      const textsLeft = values.length === 1 ? values[0]?.textsLeft : undefined;
      const checked: Distinctness | null = (distinct ?? Distinctness.start).step(byte, isUnique, textsLeft);
      if (checked === null) return null;
      distinct = checked;
    }
    return { state, distinct };
  }
}

/** The longest token that stands at a place of some bytes. */
function longestToken(
  table: TokenTable,
  bytes: Uint8Array,
  from: number,
): { readonly token: number; readonly length: number } | undefined {
  let best: { token: number; length: number } | undefined;
  for (const { bytes: own, depths, skips, firsts, tokens } of [table.plain, table.other]) {
    for (let node = 0, depth = 0; node < own.length && from + depth < bytes.length; ) {
      if ((depths[node] as number) < depth) break;
      if (own[node] !== bytes[from + depth]) {
        node = skips[node] as number;
        continue;
      }
      depth++;
      const first = firsts[node] as number;
      if (first < (firsts[node + 1] as number) && depth > (best?.length ?? 0))
        best = { token: tokens[first] as number, length: depth };
      node++;
    }
  }
  return best;
}
