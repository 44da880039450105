import type { Vocabulary } from "./vocabulary.ts";

/**
 * Refuses tokens that would make an overlong or otherwise invalid character: llama.cpp's grammars match code points
 * that they decode leniently, so that `F0 86 97 A5` passes for U+65E5 (decode_utf8 in llama-grammar.cpp). Bytes that
 * do not continue a character at all are the grammar's own to refuse.
 */
export class Utf8Guard {
  readonly #vocabulary: Vocabulary;
  /** First byte of a character of which nothing more is there yet. */
  #lead: number | undefined;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  allows(token: number): boolean {
    return follow(this.#lead, this.#vocabulary.piece(token)).isValid;
  }

  /** Tokens to be taken out before one is drawn. Only tokens with part of a character can be wrong. */
  *forbidden(): Iterable<number> {
    for (const token of this.#vocabulary.partialCharacterTokens()) if (!this.allows(token)) yield token;
  }

  accept(token: number): void {
    this.#lead = follow(this.#lead, this.#vocabulary.piece(token)).lead;
  }
}

/** Reads bytes after a lead byte, if any: the byte after it is where every overlong form shows (RFC 3629, section 4). */
function follow(
  before: number | undefined,
  bytes: Uint8Array,
): { readonly isValid: boolean; readonly lead: number | undefined } {
  let lead = before;
  let isValid = true;
  for (const byte of bytes) {
    if (lead !== undefined && !isSecond(lead, byte)) isValid = false;
    if (byte === 0xc0 || byte === 0xc1 || byte > 0xf4) isValid = false;
    lead = byte >= 0xc2 ? byte : undefined;
  }
  return { isValid, lead };
}

function isSecond(lead: number, byte: number): boolean {
  switch (lead) {
    case 0xe0:
      return byte >= 0xa0;
    case 0xed:
      return byte < 0xa0;
    case 0xf0:
      return byte >= 0x90;
    case 0xf4:
      return byte < 0x90;
    default:
      return true;
  }
}
