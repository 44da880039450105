/** Wakes the waiters for a run's next change, within this process. */
export class RunSignals {
  readonly #waiting = new Map<string, Set<() => void>>();

  changed(runId: string): void {
    const waiting = this.#waiting.get(runId);
    this.#waiting.delete(runId);
    for (const wake of waiting ?? []) wake();
  }

  /** Resolves when the run changes, after `timeoutMs`, or with `signal`, whichever is first. */
  async next(runId: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiting.add(resolve));
    const timer = setTimeout(resolve, timeoutMs);
    const stop = () => resolve();
    signal?.addEventListener("abort", stop);
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    waiting.delete(resolve);
    if (waiting.size === 0 && this.#waiting.get(runId) === waiting) this.#waiting.delete(runId);
  }
}
