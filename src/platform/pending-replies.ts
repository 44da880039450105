/** Questions to the engine process that wait for their answers, by number. */
export class PendingReplies<Reply> {
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: unknown): void }>();

  /** Resolves when `id` is answered. */
  wait(id: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  answer(id: number, reply: Reply): void {
    this.#waiting.get(id)?.resolve(reply);
    this.#waiting.delete(id);
  }

  refuse(id: number, error: unknown): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }

  refuseAll(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
