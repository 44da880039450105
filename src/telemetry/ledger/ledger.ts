import type { Logger } from "pino";
import type { Store } from "../../platform/store/database.ts";
import { Turns } from "../../platform/store/turns.ts";
import { timeOfUuidV7 } from "../../platform/uuid.ts";
import { type MinuteCount, minuteCounts } from "./minutes.ts";
import { type Condition, matches } from "./query.ts";
import type { LedgerRow } from "./row.ts";
import { searchRows } from "./search.ts";
import { Spool } from "./spool.ts";
import { dropBefore, findRow, insertRows, selectMinutes, summarizeRanges } from "./table.ts";

/** Rows that are kept in memory: what a console shows without a store. */
const RING_ROWS = 2000;
/** Time between two looks at whether an open store lacks rows. */
const LOOK_INTERVAL_MS = 1000;
/**
 * Rows wait that long for a second without an answer: storing a few at a time takes the embedded store some milliseconds of
 * processor time for each, which running answers lose.
 */
const MOST_WAIT_MS = 10_000;
/** Rows after which their values are summarized for searches. */
const SUMMARIZED_ROWS = 2000;
const DAY_MS = 86_400_000;

export interface LedgerOptions {
  readonly directory: string;
  readonly store: Pick<Store, "database" | "status" | "hasData">;
  /** Days that rows are kept for. */
  readonly days: number;
  readonly log: Pick<Logger, "error">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface ListedRows {
  readonly rows: readonly LedgerRow[];
  /** The next page's `before`; undefined where nothing is left. A search may go on there although this page is not full. */
  readonly next: string | undefined;
}

/**
 * Every request that was answered, for `days` days. A row is appended to a file before its answer is whole and goes to
 * the store in batches once something else has opened it, or the ledger is asked for what memory no longer has: no answer
 * waits for the store, and a server that only chats never opens it.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #now: () => number;
  readonly #spool: Spool;
  readonly #turns = new Turns();
  readonly #timer: NodeJS.Timeout;
  /** The latest rows, oldest first. */
  #ring: LedgerRow[] = [];
  /** False once there are rows that the ring lacks. */
  #ringHasAll: boolean;
  #prunedDay: number | undefined;
  /** Rows that were stored since the last summary; a start finds some of an earlier process. */
  #unsummarized = SUMMARIZED_ROWS;
  #recordedAt = 0;
  #flushedAt = 0;
  #hasFailed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#spool = new Spool(options.directory);
    this.#guarded(() => this.#spool.adopt(this.#now() - options.days * DAY_MS));
    this.#ringHasAll = !this.#spool.hasRows && !options.store.hasData;
    this.#timer = setInterval(() => {
      const now = this.#now();
      const isQuiet = now - this.#recordedAt >= LOOK_INTERVAL_MS;
      const isDue = isQuiet || now - this.#flushedAt >= MOST_WAIT_MS;
      if (isDue && this.#options.store.status.state === "open") void this.#flushed();
    }, LOOK_INTERVAL_MS).unref();
  }

  record(row: LedgerRow): void {
    this.#recordedAt = this.#now();
    this.#guarded(() => this.#spool.append(row));
    this.#ring.push(row);
    // Not at every row: what is cut off is copied.
    if (this.#ring.length < 2 * RING_ROWS) return;
    this.#ring = this.#ring.slice(-RING_ROWS);
    this.#ringHasAll = false;
  }

  /** The latest rows that this process has recorded, oldest first; none of earlier ones. */
  get recent(): readonly LedgerRow[] {
    return this.#ring;
  }

  /** Newest first: those before the row called `before`, up to `limit`. @throws UnavailableError without the store */
  async list(
    conditions: readonly Condition[],
    before: string | undefined,
    limit: number,
  ): Promise<ListedRows> {
    if (this.#ringHasAll) {
      const isEarlier = ({ id }: LedgerRow) => before === undefined || id < before;
      const found = this.#ring.filter((row) => isEarlier(row) && matches(row, conditions));
      const rows = found.toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
      return { rows, next: found.length > limit ? rows.at(-1)?.id : undefined };
    }
    await this.#flush();
    const at = before === undefined ? undefined : timeOfUuidV7(before);
    const last = before === undefined || at === undefined ? undefined : { id: before, at };
    const database = await this.#options.store.database();
    const { rows, next } = await searchRows(database, conditions, { before: last, limit });
    return { rows, next: next?.id };
  }

  /** By the ledger's own id, or by the request's, of which the latest is meant. @throws UnavailableError without the store */
  async find(id: string): Promise<LedgerRow | undefined> {
    const known = this.#ring.findLast((row) => row.id === id || row.requestId === id);
    if (known !== undefined || this.#ringHasAll) return known;
    await this.#flush();
    return findRow(await this.#options.store.database(), id, timeOfUuidV7(id));
  }

  /** Sums and histograms of the minutes from `from` until `until`. @throws UnavailableError without the store */
  async minutes(from: number, until: number): Promise<readonly MinuteCount[]> {
    if (this.#ringHasAll)
      return minuteCounts(this.#ring).filter(({ minute }) => minute >= from && minute < until);
    await this.#flush();
    return selectMinutes(await this.#options.store.database(), from, until);
  }

  /** Stores what an open store lacks; to be called before the store closes. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.store.status.state === "open") await this.#flushed();
    this.#guarded(() => this.#spool.close());
  }

  /** Rows stay in their files when the store can't take them now. */
  async #flushed(): Promise<void> {
    try {
      await this.#flush();
      this.#hasFailed = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #flush(): Promise<void> {
    return this.#turns.take(async () => {
      this.#flushedAt = this.#now();
      const oldest = this.#flushedAt - this.#options.days * DAY_MS;
      const day = Math.floor(oldest / DAY_MS);
      if (!this.#spool.hasRows && day === this.#prunedDay) return;
      const database = await this.#options.store.database();
      await this.#spool.drain(async (rows) => {
        await insertRows(database, rows);
        this.#unsummarized += rows.length;
      });
      if (this.#unsummarized >= SUMMARIZED_ROWS) {
        await summarizeRanges(database);
        this.#unsummarized = 0;
      }
      if (day === this.#prunedDay) return;
      await dropBefore(database, oldest);
      this.#prunedDay = day;
    });
  }

  /** The ledger must not fail an answer: what can't be written is reported in the log, once. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!this.#hasFailed) this.#options.log.error({ err: error }, "the ledger can't be written");
    this.#hasFailed = true;
  }
}
