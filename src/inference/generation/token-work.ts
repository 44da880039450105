import { UnavailableError } from "../../errors.ts";
import { nextSlice } from "../../platform/slices.ts";

/** Texts up to this many characters, and lists of as many tokens, take less than a step: they don't queue. */
const SHORT = 8192;
/** Long ones that may wait; each is at most a body, and takes a second or two. */
const MAX_WAITING = 32;

/**
 * Turns of the work on long texts that no scheduler spreads: tokenization and its reverse. One at a time, which leaves a
 * thread for the prompts of other requests, and not for clients that have left.
 */
export class TokenWork {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws UnavailableError `queue_full` when too many wait; the signal's reason when the client left before its turn */
  async run<T>(size: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (size <= SHORT) return work();
    if (this.#waiting >= MAX_WAITING)
      throw new UnavailableError("queue_full", `The queue is full: ${MAX_WAITING} long texts are waiting.`);
    this.#waiting++;
    const turn = this.#last.then(() => {
      this.#waiting--;
      signal?.throwIfAborted();
      return work();
    });
    // The next turn comes, whether this one succeeds or not.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** The tokens of all pieces as one array, which is made between other requests' turns. */
export async function toNumbers(pieces: readonly Int32Array[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await nextSlice();
    for (const token of piece) numbers.push(token);
  }
  return numbers;
}
