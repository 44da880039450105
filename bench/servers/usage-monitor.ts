import { readTree } from "./process-tree.ts";

export interface MemorySample {
  /** Seconds since the monitor started. */
  readonly atSeconds: number;
  readonly residentBytes: number;
}

const INTERVAL_MS = 500;

/** Follows a process tree while a load runs: CPU time spent, and memory over time. */
export class UsageMonitor implements Disposable {
  readonly samples: MemorySample[] = [];
  readonly #pid: number;
  readonly #startedAt = performance.now();
  readonly #cpuSecondsBefore: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#pid = pid;
    this.#cpuSecondsBefore = readTree(pid).cpuSeconds;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
  }

  /** Since the monitor started. */
  get cpuSeconds(): number {
    return readTree(this.#pid).cpuSeconds - this.#cpuSecondsBefore;
  }

  get maxResidentBytes(): number {
    return Math.max(...this.samples.map(({ residentBytes }) => residentBytes));
  }

  #sample(): void {
    const { residentBytes } = readTree(this.#pid);
    this.samples.push({ atSeconds: (performance.now() - this.#startedAt) / 1000, residentBytes });
  }

  [Symbol.dispose](): void {
    this.#sample();
    clearInterval(this.#timer);
  }
}
