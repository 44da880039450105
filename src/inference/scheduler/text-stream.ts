import type { ThoughtTracker } from "./thought-tracker.ts";

/** What a model's tokens stand for. */
export interface TokenTexts {
  piece(token: number): Uint8Array;
  isEndOfGeneration(token: number): boolean;
}

/**
 * Turns the bytes of tokens into text that is safe to show: whole UTF-8 characters only, and nothing that could
 * still turn out to be the beginning of a stop string. Stop strings don't count within thoughts.
 */
export class TextStream {
  readonly #stop: readonly string[];
  readonly #thoughts: ThoughtTracker | undefined;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Decoded text held back because a stop string may begin in it. */
  #held = "";
  #stopText: string | undefined;
  /** UTF-16 units decoded so far: those that went out, those held, and a stop string's. */
  #decodedLength = 0;

  constructor(stop: readonly string[], thoughts?: ThoughtTracker) {
    this.#stop = stop.filter((text) => text !== "");
    this.#thoughts = thoughts;
  }

  /** True once a stop string was met; everything from it on is swallowed. */
  get stopped(): boolean {
    return this.#stopText !== undefined;
  }

  /** The stop string that was met. */
  get stopText(): string | undefined {
    return this.#stopText;
  }

  get decodedLength(): number {
    return this.#decodedLength;
  }

  /** Takes one token's bytes and returns the text that may go out. */
  push(bytes: Uint8Array): string {
    const decoded = this.#decoder.decode(bytes, { stream: true });
    this.#decodedLength += decoded.length;
    if (this.#thoughts === undefined) return this.#release(decoded);
    const { thought, answer } = this.#thoughts.take(decoded);
    return thought + this.#release(answer);
  }

  /** Returns what was held back, when generation ended without a stop string. Half a character becomes U+FFFD. */
  end(): string {
    const decoded = this.#decoder.decode();
    this.#decodedLength += decoded.length;
    const text = this.#release((this.#thoughts?.end() ?? "") + decoded);
    const rest = this.stopped ? "" : this.#held;
    this.#held = "";
    return text + rest;
  }

  #release(decoded: string): string {
    if (this.stopped) return "";
    if (this.#stop.length === 0) return decoded;
    const text = this.#held + decoded;
    const at = firstOccurrence(text, this.#stop);
    if (at >= 0) {
      this.#stopText = this.#stop.find((stop) => text.startsWith(stop, at));
      this.#held = "";
      return text.slice(0, at);
    }
    const keep = longestPartialStop(text, this.#stop);
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }
}

function firstOccurrence(text: string, stop: readonly string[]): number {
  let first = -1;
  for (const candidate of stop) {
    const at = text.indexOf(candidate);
    if (at >= 0 && (first < 0 || at < first)) first = at;
  }
  return first;
}

/** Length of the longest end of `text` that begins a stop string. */
function longestPartialStop(text: string, stop: readonly string[]): number {
  let longest = 0;
  for (const candidate of stop) {
    for (let length = Math.min(candidate.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(candidate.slice(0, length))) longest = length;
    }
  }
  return longest;
}
