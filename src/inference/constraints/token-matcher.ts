import { Place } from "./place.ts";
import type { TokenForm } from "./token-form.ts";
import type { TokenTable } from "./token-table.ts";

/** Holds one text to a form, token by token. */
export class TokenMatcher {
  readonly #form: TokenForm;
  #place: Place;

  constructor(form: TokenForm, place = new Place(form.start)) {
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
    if (text !== undefined) return this.#place.stepToken(text);
    const bytes = this.#form.table.vocabulary.piece(token);
    return bytes.length === 0 ? null : this.#afterBytes(bytes);
  }

  #afterBytes(bytes: Uint8Array): Place | null {
    return this.#place.stepAll(bytes, this.#form.comparesValues);
  }
}

/** The longest token at a place of some bytes. */
function longestToken(
  table: TokenTable,
  bytes: Uint8Array,
  from: number,
): { readonly token: number; readonly length: number } | undefined {
  let best: { token: number; length: number } | undefined;
  for (const { bytes: own, depths, skips, firsts, tokens } of [table.plain, table.unquoted, table.quoted]) {
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
