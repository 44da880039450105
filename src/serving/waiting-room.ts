import { UnavailableError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";

interface Waiter {
  /** Since when it has waited for its turn: from the moment that the model's file is there. */
  since: number;
  readonly keepAliveMs: number | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Ends the wait for a turn; loading is not part of it. */
  turnTimer: NodeJS.Timeout | undefined;
  /** Ends the wait before its time. */
  readonly leave: (error: Error) => void;
}

export interface Wait {
  readonly signal: AbortSignal;
  /** How long the model is to stay after this request; undefined leaves that to the model. */
  readonly keepAliveMs: number | undefined;
  /** Told when the request leaves before the model is there. */
  readonly onLeft: (error: Error) => void;
}

/** Requests that wait for one model. */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #waiters: Waiter[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiters.length;
  }

  /** Since when the one who has waited longest has waited for its turn; `Infinity` when the room is empty. */
  get since(): number {
    return Math.min(Infinity, ...this.#waiters.map(({ since }) => since));
  }

  /** Resolves when the request is let in. @throws what it is dismissed with */
  async wait({ signal, keepAliveMs, onLeft }: Wait): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      since: this.#clock(),
      keepAliveMs,
      resolve,
      reject,
      turnTimer: undefined,
      leave: (error) => {
        const index = this.#waiters.indexOf(waiter);
        if (index < 0) return;
        this.#waiters.splice(index, 1);
        clearTimeout(waiter.turnTimer);
        reject(error);
        onLeft(error);
      },
    };
    this.#waiters.push(waiter);
    const cancel = () =>
      waiter.leave(new UnavailableError("cancelled", "The client left before the model was loaded."));
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** From now on each wait is for a turn in memory, and bounded; of those that are already, nothing changes. */
  awaitTurn(maxWaitMs: number, tooLate: () => Error): void {
    for (const waiter of this.#waiters) {
      if (waiter.turnTimer !== undefined) continue;
      waiter.since = this.#clock();
      waiter.turnTimer = setTimeout(() => waiter.leave(tooLate()), maxWaitMs);
    }
  }

  /** The turn has come: loading takes as long as it takes. */
  turnHasCome(): void {
    for (const { turnTimer } of this.#waiters) clearTimeout(turnTimer);
  }

  /** Lets all in, each once `hold` holds the model for it. */
  letIn(hold: (keepAliveMs: number | undefined) => void): void {
    for (const { keepAliveMs, turnTimer, resolve } of this.#waiters.splice(0)) {
      clearTimeout(turnTimer);
      hold(keepAliveMs);
      resolve();
    }
  }

  /** Ends all waits with `error`. */
  dismiss(error: Error): void {
    for (const { turnTimer, reject } of this.#waiters.splice(0)) {
      clearTimeout(turnTimer);
      reject(error);
    }
  }
}
