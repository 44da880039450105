/** Whether an engine's process sleeps, and when it is to fall asleep by itself. */
export class Rest {
  isAsleep = false;
  readonly #afterMs: number;
  readonly #fallAsleep: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `afterMs` without work; `Infinity`: only when it is told to. */
  constructor(afterMs: number, fallAsleep: () => void) {
    this.#afterMs = afterMs;
    this.#fallAsleep = fallAsleep;
  }

  /** The last work has ended. */
  begin(): void {
    this.end();
    if (!Number.isFinite(this.#afterMs)) return;
    this.#timer = setTimeout(this.#fallAsleep, this.#afterMs);
    this.#timer.unref();
  }

  /** There is work, or there will be none any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
