import { MAX_RAW_BYTES } from "./raw-record.ts";

/** A part of a file: its bytes, or undefined when they were too many to be kept. */
export interface Piece {
  readonly bytes: Buffer | undefined;
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** Collects the bytes of one piece across chunks, up to a bound. */
export class PieceBuilder {
  #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get isTooLarge(): boolean {
    return this.#length > MAX_RAW_BYTES;
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.isTooLarge) this.#chunks = [];
    else if (bytes.length > 0) this.#chunks.push(bytes);
  }

  /** The piece so far; the next one starts empty. */
  take(): Buffer | undefined {
    const bytes = this.isTooLarge ? undefined : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    return bytes;
  }
}

const UTF8_BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** A byte order mark is not part of the text after it. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(UTF8_BOM) ? bytes.subarray(3) : bytes;
}
