import type { PendingGeneration } from "./pending-generation.ts";

/** Times a request that only waited is handed to a fresh process. */
const MAX_HANDOVERS = 2;

/** The generations that clients wait for, by id, until each has its last event. */
export class Generations {
  readonly #pending = new Map<number, PendingGeneration>();
  readonly #idled: () => void;
  readonly #waiting: Array<() => void> = [];

  /** `idled`: called whenever the last one has ended. */
  constructor(idled: () => void) {
    this.#idled = idled;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Those that have a sequence. */
  get running(): number {
    return this.#pending.values().reduce((count, { isStarted }) => count + Number(isStarted), 0);
  }

  /** Tells each that waits, and wants to know, how many are before it: interactive requests go before batch work. */
  reportPlaces(expectedMs: (ahead: number) => number | undefined): void {
    if (!this.#pending.values().some(({ reportsProgress }) => reportsProgress)) return;
    const waiting = [...this.#pending.values()].filter(({ isStarted }) => !isStarted);
    const inLine = [
      ...waiting.filter(({ lane }) => lane === "interactive"),
      ...waiting.filter(({ lane }) => lane === "batch"),
    ];
    for (const [ahead, generation] of inLine.entries()) generation.waitsBehind(ahead, expectedMs(ahead));
  }

  add(id: number, generation: PendingGeneration): void {
    this.#pending.set(id, generation);
  }

  get(id: number): PendingGeneration | undefined {
    return this.#pending.get(id);
  }

  [Symbol.iterator](): Iterator<[number, PendingGeneration]> {
    return this.#pending[Symbol.iterator]();
  }

  /** Forgets one whose events have ended, or whose reader has left. */
  settle(id: number): void {
    this.#pending.get(id)?.stopTimer();
    if (!this.#pending.delete(id) || this.#pending.size > 0) return;
    this.#idled();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Ends one with an error after what it got before. */
  fail(id: number, error: unknown): void {
    this.#pending.get(id)?.events.fail(error);
    this.settle(id);
  }

  failAll(error: () => unknown): void {
    for (const id of this.#pending.keys()) this.fail(id, error());
  }

  /** Their process is gone: keeps those that only waited for the next one, and fails the others. */
  handOver(error: () => unknown, now: number): void {
    for (const [id, generation] of this.#pending) {
      if (generation.isCancelled) this.cancelled(id, now);
      else if (generation.isUnderWay || generation.handovers++ >= MAX_HANDOVERS) this.fail(id, error());
      else generation.moveTo("sent");
    }
  }

  /** Ends one that was cancelled and that no engine knows. */
  cancelled(id: number, now: number): void {
    this.#pending.get(id)?.endCancelled(now);
    this.settle(id);
  }

  /** Waits until there are none, for `timeoutMs` at most. */
  drained(timeoutMs: number): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
