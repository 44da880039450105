import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Store } from "../../../platform/store/database.ts";
import { Turns } from "../../../platform/store/turns.ts";
import type { SessionEvent } from "../session/event.ts";
import type { Item } from "../session/item.ts";
import type { Change, SessionLedger } from "../session/ledger.ts";
import { allItems, type SessionRow } from "../session/tables.ts";
import { hasOutputs } from "../tools/output.ts";

export interface HeldSessionOptions {
  readonly store: Store;
  readonly ledger: SessionLedger;
  readonly claim: Claim;
  readonly row: SessionRow;
}

interface Past {
  /** By their ids, the oldest first. */
  readonly items: Map<string, Item>;
  readonly hasOutputs: boolean;
}

/**
 * A session that this process works on, which it keeps in memory: a step reads nothing from the store, and writes once.
 * Only what others have changed is read again.
 */
export class HeldSession {
  readonly #options: HeldSessionOptions;
  /** Changes of one session come one after another. */
  readonly #turns = new Turns();
  #row: SessionRow;
  #past: Past | undefined;

  constructor(options: HeldSessionOptions) {
    this.#options = options;
    this.#row = options.row;
  }

  get row(): SessionRow {
    return this.#row;
  }

  /** All of its items, the oldest first. */
  async items(): Promise<readonly Item[]> {
    const { items } = await this.#turns.take(() => this.#read());
    return [...items.values()];
  }

  /** Whether any output was too long for the model. */
  async hasOutputs(): Promise<boolean> {
    return (await this.#turns.take(() => this.#read())).hasOutputs;
  }

  /** @throws WorkOver where this process no longer works on it */
  change(change: Change): Promise<void> {
    const { ledger, claim } = this.#options;
    return this.#turns.take(async () => {
      let isKept = false;
      const { row, items, wasStale } = await ledger.work(claim, this.#row, async (draft, context) => {
        await change(draft, context);
        isKept = draft.outputs.length > 0;
      });
      this.#row = row;
      if (wasStale || this.#past === undefined) this.#past = undefined;
      else {
        for (const item of items) this.#past.items.set(item.id, item);
        this.#past = { ...this.#past, hasOutputs: this.#past.hasOutputs || isKept };
      }
    });
  }

  /** Adds what a step tells as it runs. @throws WorkOver */
  tell(events: readonly SessionEvent[]): Promise<void> {
    const { ledger, claim } = this.#options;
    return this.#turns.take(async () => {
      this.#row = await ledger.tell(claim, this.#row, events);
    });
  }

  async #read(): Promise<Past> {
    if (this.#past === undefined) {
      const database = await this.#options.store.database();
      const { id } = this.#row;
      const items = await allItems(database, id);
      this.#past = {
        items: new Map(items.map((item) => [item.id, item])),
        hasOutputs: await hasOutputs(database, id),
      };
    }
    return this.#past;
  }
}
