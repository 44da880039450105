import { isUtf8 } from "node:buffer";

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

interface Entry {
  readonly token: number;
  readonly bytes: Uint8Array;
}

/** Tokens by their bytes, laid out in the order in which a walk goes through them. */
export class TokenTrie {
  /** Of each node: its byte, its depth from 0, and the node behind everything below it. */
  readonly bytes: Uint8Array;
  readonly depths: Uint16Array;
  readonly skips: Int32Array;
  /** Tokens that end at a node: `tokens` from `firsts[node]` to `firsts[node + 1]`. */
  readonly firsts: Int32Array;
  readonly tokens: Int32Array;
  readonly maxDepth: number;

  constructor(entries: readonly Entry[]) {
    const sorted = [...entries].sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const bytes: number[] = [];
    const depths: number[] = [];
    const firsts: number[] = [];
    const tokens: number[] = [];
    let before: Uint8Array = new Uint8Array();
    for (const { token, bytes: text } of sorted) {
      let shared = 0;
      while (shared < before.length && shared < text.length && before[shared] === text[shared]) shared++;
      for (let depth = shared; depth < text.length; depth++) {
        bytes.push(text[depth] as number);
        depths.push(depth);
        firsts.push(tokens.length);
      }
      tokens.push(token);
      before = text;
    }
    firsts.push(tokens.length);
    this.bytes = Uint8Array.from(bytes);
    this.depths = Uint16Array.from(depths);
    this.firsts = Int32Array.from(firsts);
    this.tokens = Int32Array.from(tokens);
    this.maxDepth = depths.reduce((a, b) => Math.max(a, b + 1), 0);
    this.skips = new Int32Array(bytes.length);
    const open: number[] = [];
    for (let node = 0; node <= bytes.length; node++) {
      const depth = node < bytes.length ? (depths[node] as number) : -1;
      for (let top = open.at(-1); top !== undefined && (depths[top] as number) >= depth; top = open.at(-1)) {
        this.skips[top] = node;
        open.pop();
      }
      if (node < bytes.length) open.push(node);
    }
  }
}

/** A vocabulary laid out for masks. */
export class TokenTable {
  readonly size: number;
  /** Tokens of plain text: whole characters, none of which a JSON string would escape. */
  readonly plain: TokenTrie;
  readonly other: TokenTrie;
  readonly endTokens: readonly number[];
  readonly controls: ReadonlyArray<{ readonly token: number; readonly text: string }>;
  readonly vocabulary: TokenVocabulary;
  /** Bytes of the longest token. */
  readonly longest: number;
  readonly #controlTexts: ReadonlyMap<number, string>;
  readonly #plainLengths: ReadonlyArray<{ readonly token: number; readonly characters: number }>;
  readonly #freeMasks = new Map<number, Uint32Array>();

  constructor(vocabulary: TokenVocabulary) {
    this.vocabulary = vocabulary;
    this.size = vocabulary.size;
    const plain: Entry[] = [];
    const other: Entry[] = [];
    const controls: Array<{ token: number; text: string }> = [];
    const endTokens: number[] = [];
    for (let token = 0; token < vocabulary.size; token++) {
      if (vocabulary.isEndOfGeneration(token)) endTokens.push(token);
      else if (vocabulary.isControl(token)) controls.push({ token, text: vocabulary.specialText(token) });
      else {
        const bytes = vocabulary.piece(token);
        if (bytes.length > 0) (isPlain(bytes) ? plain : other).push({ token, bytes });
      }
    }
    this.endTokens = endTokens;
    this.controls = controls.filter(({ text }) => text !== "");
    this.#controlTexts = new Map(this.controls.map(({ token, text }) => [token, text]));
    this.#plainLengths = plain.map(({ token, bytes }) => ({ token, characters: characterCount(bytes) }));
    this.longest = [...plain, ...other].reduce((most, { bytes }) => Math.max(most, bytes.length), 1);
    this.plain = new TokenTrie(plain);
    this.other = new TokenTrie(other);
  }

  controlText(token: number): string | undefined {
    return this.#controlTexts.get(token);
  }

  /** Tokens of plain text with at most so many characters, as bits. */
  freeMask(characters: number): Uint32Array {
    const bound = Math.min(characters, this.longest);
    let mask = this.#freeMasks.get(bound);
    if (mask === undefined) {
      mask = this.emptyMask();
      for (const { token, characters: own } of this.#plainLengths) if (own <= bound) allow(mask, token);
      this.#freeMasks.set(bound, mask);
    }
    return mask;
  }

  emptyMask(): Uint32Array<ArrayBuffer> {
    return new Uint32Array((this.size + 31) >> 5);
  }
}

export function allow(mask: Uint32Array, token: number): void {
  mask[token >> 5] = (mask[token >> 5] as number) | (1 << (token & 31));
}

function isPlain(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) && isUtf8(bytes);
}

function characterCount(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
  return count;
}
