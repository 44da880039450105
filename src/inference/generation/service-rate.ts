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

  /** Whole seconds until `ahead` requests are done at the measured rate; 1 while nothing was measured. */
  retryAfterSeconds(ahead: number, now: number): number {
    const first = this.#completedAt[0];
    if (first === undefined || this.#completedAt.length < 2) return 1;
    const msPerRequest = (now - first) / this.#completedAt.length;
    return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, Math.ceil((ahead * msPerRequest) / 1000)));
  }
}
