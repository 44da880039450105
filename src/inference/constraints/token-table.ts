import { isUtf8 } from "node:buffer";
import { allow } from "../llama/token-mask.ts";
import { freeLexer, type TextState } from "./text-lexer.ts";
import { type TokenEntry, TokenTrie } from "./token-trie.ts";

/** What a matcher must know of a vocabulary. */
export interface TokenVocabulary {
  readonly size: number;
  /** Bytes that a token adds to the text; none for control tokens. */
  piece(token: number): Uint8Array;
  isControl(token: number): boolean;
  isEndOfGeneration(token: number): boolean;
  /** A control token as templates write it. */
  specialText(token: number): string;
}

/** A vocabulary laid out for masks. */
export class TokenTable {
  readonly size: number;
  /** Tokens of plain text: whole characters, none of which a JSON string would escape. */
  readonly plain: TokenTrie;
  /** Other tokens without a quotation mark, and those with one. */
  readonly unquoted: TokenTrie;
  readonly quoted: TokenTrie;
  readonly endTokens: readonly number[];
  readonly controls: ReadonlyArray<{ readonly token: number; readonly text: string }>;
  readonly vocabulary: TokenVocabulary;
  /** Bytes of the longest token. */
  readonly longest: number;
  readonly #controlTexts: ReadonlyMap<number, string>;
  readonly #plainLengths: ReadonlyArray<{ readonly token: number; readonly characters: number }>;
  /** Tokens without a quotation mark that may occur in a string of any length. */
  readonly #freeUnquoted: readonly number[];
  readonly #freeMasks = new Map<number, Uint32Array>();

  constructor(vocabulary: TokenVocabulary) {
    this.vocabulary = vocabulary;
    this.size = vocabulary.size;
    const plain: TokenEntry[] = [];
    const unquoted: TokenEntry[] = [];
    const quoted: TokenEntry[] = [];
    const controls: Array<{ token: number; text: string }> = [];
    const endTokens: number[] = [];
    for (let token = 0; token < vocabulary.size; token++) {
      if (vocabulary.isEndOfGeneration(token)) endTokens.push(token);
      else if (vocabulary.isControl(token)) controls.push({ token, text: vocabulary.specialText(token) });
      else {
        const bytes = vocabulary.piece(token);
        if (bytes.length === 0) continue;
        (isPlain(bytes) ? plain : bytes.includes(QUOTE) ? quoted : unquoted).push({ token, bytes });
      }
    }
    this.endTokens = endTokens;
    this.controls = controls.filter(({ text }) => text !== "");
    this.#controlTexts = new Map(this.controls.map(({ token, text }) => [token, text]));
    this.#plainLengths = plain.map(({ token, bytes }) => ({ token, characters: characterCount(bytes) }));
    this.#freeUnquoted = unquoted.filter(({ bytes }) => isWithinString(bytes)).map(({ token }) => token);
    this.longest = [plain, unquoted, quoted]
      .flat()
      .reduce((most, { bytes }) => Math.max(most, bytes.length), 1);
    this.plain = new TokenTrie(plain);
    this.unquoted = new TokenTrie(unquoted);
    this.quoted = new TokenTrie(quoted);
  }

  controlText(token: number): string | undefined {
    return this.#controlTexts.get(token);
  }

  /** Whether `freeMask` has all tokens without a quotation mark that a string with so many characters left takes. */
  isUnbounded(characters: number): boolean {
    return characters >= this.longest;
  }

  /** Tokens of plain text with at most so many characters, as bits; without a bound also others within strings. */
  freeMask(characters: number): Uint32Array {
    const bound = Math.min(characters, this.longest);
    let mask = this.#freeMasks.get(bound);
    if (mask === undefined) {
      mask = this.emptyMask();
      for (const { token, characters: own } of this.#plainLengths) if (own <= bound) allow(mask, token);
      if (this.isUnbounded(bound)) for (const token of this.#freeUnquoted) allow(mask, token);
      this.#freeMasks.set(bound, mask);
    }
    return mask;
  }

  emptyMask(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.maskBytes / Uint32Array.BYTES_PER_ELEMENT);
  }

  get maskBytes(): number {
    return ((this.size + 31) >> 5) * Uint32Array.BYTES_PER_ELEMENT;
  }
}

const QUOTE = 0x22;

/** Whether bytes may follow the beginning of a character in a string of any kind. */
function isWithinString(bytes: Uint8Array): boolean {
  let state: TextState | null = freeLexer.start;
  for (const byte of bytes) {
    state = state.step(byte);
    if (state === null) return false;
  }
  return true;
}

function isPlain(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) && isUtf8(bytes);
}

function characterCount(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
  return count;
}
