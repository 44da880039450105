import type { SessionEvent } from "../session/event.ts";
import type { HeldSession } from "./held-session.ts";

/** Least time between two writings of what a step tells. */
const INTERVAL_MS = 100;

export interface TellerOptions {
  readonly session: HeldSession;
  readonly clock: () => number;
}

/** Writes what a step tells while it goes on; pieces of a text that come meanwhile are put together. */
export class Teller {
  readonly #options: TellerOptions;
  #waiting: SessionEvent[] = [];
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #writtenAt: number;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#writtenAt = options.clock();
  }

  /** @throws WorkOver where the step is no longer this process's */
  tell(event: SessionEvent): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    const last = this.#waiting.at(-1);
    if (isDelta(event) && last !== undefined && isDelta(last) && last.itemId === event.itemId)
      this.#waiting[this.#waiting.length - 1] = { ...last, text: last.text + event.text };
    else this.#waiting.push(event);
    if (this.#writing === undefined && this.#options.clock() - this.#writtenAt >= INTERVAL_MS) this.#write();
  }

  /** @returns what is not written, for the transaction that ends the step */
  async rest(): Promise<readonly SessionEvent[]> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#waiting;
  }

  #write(): void {
    const { session, clock } = this.#options;
    const events = this.#waiting;
    this.#waiting = [];
    this.#writtenAt = clock();
    this.#writing = session
      .tell(events)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }
}

type TextEvent = Extract<SessionEvent, { type: "text" }>;

function isDelta(event: SessionEvent): event is TextEvent {
  return event.type === "text" && event.change === "delta";
}
