import type { FieldsLog } from "../log.ts";
import type { Queries, Store } from "./database.ts";

const INTERVAL_MS = 3_600_000;

export interface RetentionOptions {
  readonly store: Pick<Store, "database" | "hasData">;
  /** Days that things are kept; 0 where nothing is. */
  readonly days: number;
  /** Deletes what has been kept for so many days. */
  readonly remove: (queries: Queries, days: number) => Promise<void>;
  readonly log: Pick<FieldsLog, "warn">;
}

/** Deletes every hour what the store has kept for long enough. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#apply().catch((error: unknown) =>
        options.log.warn({ err: error }, "what is kept for long enough could not be deleted"),
      );
    }, INTERVAL_MS).unref();
  }

  /** Deletes what has become old while no server ran. */
  recover(): Promise<void> {
    return this.#apply();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** A store that never held anything is not opened for it. */
  async #apply(): Promise<void> {
    const { store, days, remove } = this.#options;
    if (days > 0 && store.hasData) await remove(await store.database(), days);
  }
}
