import type { Claim } from "../../../platform/jobs/queue.ts";
import type { Store } from "../../../platform/store/database.ts";
import { Turns } from "../../../platform/store/turns.ts";
import type { Draft } from "../session/draft.ts";
import type { SessionEvent } from "../session/event.ts";
import type { Item } from "../session/item.ts";
import type { Change, SessionLedger } from "../session/ledger.ts";
import { allItems, type SessionRow } from "../session/tables.ts";
import { hasOutputs } from "../tools/output.ts";

/** No session is of it. */
const NO_VERSION = -1;
/** Changes that the store may be behind. */
const MAX_AHEAD = 4;

export interface HeldSessionOptions {
  readonly store: Store;
  readonly ledger: SessionLedger;
  readonly claim: Claim;
  readonly row: SessionRow;
}

interface Past {
  /** By their ids, the oldest first. */
  readonly items: Map<string, Item>;
  hasOutputs: boolean;
}

/**
 * A session that this process works on, which it keeps in memory: a step reads nothing from the store, and writes once.
 * Only what others have changed is read again.
 */
export class HeldSession {
  readonly #options: HeldSessionOptions;
  /** The store is given changes one after another. */
  readonly #turns = new Turns();
  #row: SessionRow;
  #past: Past | undefined;
  /** Changes that wait for their turn, or for the store: those that are waited for, and those that are not. */
  #waitedFor = 0;
  #ahead = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: HeldSessionOptions) {
    this.#options = options;
    this.#row = options.row;
  }

  get row(): SessionRow {
    return this.#row;
  }

  /** The same session, to be read again by its next change: for what is to be done where a change has failed. */
  afresh(): HeldSession {
    return new HeldSession({ ...this.#options, row: { ...this.#row, version: NO_VERSION } });
  }

  /** All of its items, the oldest first. */
  async items(): Promise<readonly Item[]> {
    const { items } = this.#past ?? (await this.#inTurn(() => this.#read()));
    return [...items.values()];
  }

  /** Whether any output was too long for the model. */
  async hasOutputs(): Promise<boolean> {
    return (this.#past ?? (await this.#inTurn(() => this.#read()))).hasOutputs;
  }

  /** @throws WorkOver where this process no longer works on it */
  change(change: Change): Promise<void> {
    const { ledger, claim } = this.#options;
    return this.#inTurn(async () => {
      const { row, draft, wasStale } = await ledger.work(claim, this.#row, change);
      this.#row = row;
      if (wasStale) this.#past = undefined;
      else this.#note(draft);
    });
  }

  /**
   * As `change`, but what follows need not wait for the store: the change is one that may be lost with the process, since
   * what led to it can be done again. All that comes later is written later, and not at all where this can't be.
   */
  async changeAhead(change: (draft: Draft) => void): Promise<void> {
    if (this.#waitedFor > 0 || this.#ahead >= MAX_AHEAD) return this.change(change);
    const { ledger, claim } = this.#options;
    const known = this.#row;
    const { row: expected, draft } = ledger.expect(known, change);
    this.#row = expected;
    this.#note(draft);
    this.#ahead++;
    this.#turns
      .take(async () => {
        this.#assertSound();
        const { row, wasStale } = await ledger.work(claim, known, change, draft);
        // What others change meanwhile is not what the next step looks at: they queue a message, or end it all.
        if (!wasStale) return;
        this.#row = row;
        this.#past = undefined;
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#ahead--;
      });
  }

  /** Adds what a step tells as it runs. @throws WorkOver */
  tell(events: readonly SessionEvent[]): Promise<void> {
    const { ledger, claim } = this.#options;
    return this.#inTurn(async () => {
      this.#row = await ledger.tell(claim, this.#row, events);
    });
  }

  /** Until the store has all changes. @throws what kept it from having them */
  settled(): Promise<void> {
    return this.#inTurn(async () => {});
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waitedFor++;
    try {
      return await this.#turns.take(() => {
        this.#assertSound();
        return work();
      });
    } finally {
      this.#waitedFor--;
    }
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #note({ items, outputs }: Draft): void {
    if (this.#past === undefined) return;
    for (const item of items) this.#past.items.set(item.id, item);
    this.#past.hasOutputs ||= outputs.length > 0;
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
