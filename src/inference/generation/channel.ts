/**
 * An async iterable that is fed from outside: one writer, one reader. Items that the reader has not taken yet may be
 * merged with the next one: a slow reader gets few large items and not many small ones.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly #merge: (waiting: T, next: T) => T | undefined;
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #end: { readonly error?: unknown } | undefined;

  /** `merge` makes one item of two neighbours, or returns undefined where they can't be one. */
  constructor(merge: (waiting: T, next: T) => T | undefined = () => undefined) {
    this.#merge = merge;
  }

  push(item: T): void {
    if (this.#end !== undefined) return;
    const waiting = this.#items.at(-1);
    const merged = waiting === undefined ? undefined : this.#merge(waiting, item);
    if (merged === undefined) this.#items.push(item);
    else this.#items[this.#items.length - 1] = merged;
    this.#wake?.();
  }

  close(): void {
    this.#end ??= {};
    this.#wake?.();
  }

  /** Ends the iteration with an exception, after what was pushed before. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift() as T;
      if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
