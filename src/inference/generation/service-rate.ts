/** Completions that the rate is measured over. */
const WINDOW = 32;
const LONGEST_RETRY_SECONDS = 60;

/** How fast requests are finished now, and from that how long a refused client should wait. */
export class ServiceRate {
  /** Times of the latest completions, milliseconds, oldest first, as if no time passed while nothing ran. */
  #completedAt: number[] = [];
  #idleSince: number | undefined;

  /** The engine is idle from now on; idle time must not lower the rate. */
  pause(now: number): void {
    this.#idleSince = now;
  }

  resume(now: number): void {
    const idleMs = now - (this.#idleSince ?? now);
    this.#completedAt = this.#completedAt.map((time) => time + idleMs);
    this.#idleSince = undefined;
  }

  completed(now: number): void {
    this.#completedAt.push(now);
    if (this.#completedAt.length > WINDOW) this.#completedAt.shift();
  }

  /** Until `count` requests are done at the measured rate; undefined while nothing was measured. */
  expectedMs(count: number, now: number): number | undefined {
    const first = this.#completedAt[0];
    if (first === undefined || this.#completedAt.length < 2) return undefined;
    return (count * (now - first)) / this.#completedAt.length;
  }

  /** The same in whole seconds, for a client that is to come again; 1 while nothing was measured. */
  retryAfterSeconds(ahead: number, now: number): number {
    const seconds = Math.ceil((this.expectedMs(ahead, now) ?? 0) / 1000);
    return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, seconds));
  }
}
