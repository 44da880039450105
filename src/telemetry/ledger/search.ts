import type { Database, Queries } from "../../platform/store/database.ts";
import { firstUuidV7 } from "../../platform/uuid.ts";
import { type Condition, toSql } from "./query.ts";
import type { LedgerRow } from "./row.ts";
import { type StoredDay, type StoredRow, selected, storedDays, toRow } from "./table.ts";

/** Where a search stands: all rows older than this one are still to be looked at. */
export type Place = Pick<LedgerRow, "id" | "at">;

export interface FoundRows {
  /** Newest first. */
  readonly rows: readonly LedgerRow[];
  /** Where the search goes on; undefined once all rows were looked at. */
  readonly next: Place | undefined;
}

export interface SearchOptions {
  /** Rows older than this one. */
  readonly before?: Place | undefined;
  /** Rows at most. */
  readonly limit: number;
  /** The latest rows, which are gone through one by one: most searches find enough among them. */
  readonly latestRows?: number;
  /** About how much of the table is looked at in one statement. */
  readonly stretchBytes?: number;
  /** Milliseconds on a clock of its own. */
  readonly clock?: () => number;
}

const LATEST_ROWS = 2000;
/** About 25,000 rows. */
const STRETCH_BYTES = 8 * 2 ** 20;
/** Once a search has taken this long no further stretch is begun: its next page goes on there. */
const PAGE_MS = 20;

/**
 * One page of a search, in time that does not grow with the ledger: the latest rows one by one, then stretch by stretch those
 * whose ranges of values (`ledger_requests_ranges`) don't rule the conditions out. A page that ran out of time has fewer rows
 * than its limit, or none, and says where to go on.
 */
export async function searchRows(
  database: Database,
  conditions: readonly Condition[],
  options: SearchOptions,
): Promise<FoundRows> {
  const { limit, latestRows = LATEST_ROWS, clock = () => performance.now() } = options;
  const startedAt = clock();
  const before = earlier(options.before, untilOf(conditions));
  if (conditions.length === 0) return page(await selectBetween(database, [], { before }, limit + 1), limit);
  const end = await placeAfter(database, before, latestRows);
  const rows = [...(await selectBetween(database, conditions, { before, from: end }, limit + 1))];
  if (end === undefined || rows.length > limit) return page(rows, limit);
  return database.transaction(async (queries) => {
    // The planner would walk through all rows by time, in the hope of a full page soon.
    await queries.query("SET LOCAL enable_indexscan = off");
    await queries.query("SET LOCAL enable_seqscan = off");
    const since = sinceOf(conditions);
    let place: Place = end;
    for (const at of stretchesOf(await storedDays(queries), options.stretchBytes ?? STRETCH_BYTES)) {
      if (at >= place.at) continue;
      if (place.at <= since) break;
      const bounds = { before: place, from: firstPlace(at) };
      rows.push(...(await selectBetween(queries, conditions, bounds, limit + 1 - rows.length)));
      if (rows.length > limit) break;
      if (clock() - startedAt > PAGE_MS) return { rows, next: bounds.from };
      place = bounds.from;
    }
    return page(rows, limit);
  });
}

/** Rows are one more than the limit where there are further ones. */
function page(rows: readonly LedgerRow[], limit: number): FoundRows {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return { rows: kept, next: rows.length > limit && last !== undefined ? last : undefined };
}

/** The first row that a moment can have. */
function firstPlace(at: number): Place {
  return { at, id: firstUuidV7(at) };
}

/** The row that is `count` rows older; undefined where there are not so many. */
async function placeAfter(
  queries: Queries,
  before: Place | undefined,
  count: number,
): Promise<Place | undefined> {
  const parameters: unknown[] = [];
  const where = before === undefined ? "true" : isOlder(before, parameters);
  const [row] = await queries.query<{ readonly id: string; readonly at: Date }>(
    `SELECT id, at FROM ledger_requests WHERE ${where}
     ORDER BY at DESC, id DESC OFFSET $${parameters.push(count)} LIMIT 1`,
    parameters,
  );
  return row && { id: row.id, at: row.at.getTime() };
}

interface Bounds {
  readonly before: Place | undefined;
  readonly from?: Place | undefined;
}

/** Rows older than `before`, and not older than `from`. */
async function selectBetween(
  queries: Queries,
  conditions: readonly Condition[],
  { before, from }: Bounds,
  limit: number,
): Promise<LedgerRow[]> {
  const parameters: unknown[] = [];
  const where = [toSql(conditions, parameters)];
  if (before !== undefined) where.push(isOlder(before, parameters));
  if (from !== undefined) where.push(isNotOlder(from, parameters));
  const rows = await queries.query<StoredRow>(
    `SELECT ${selected} FROM ledger_requests WHERE ${where.join(" AND ")}
     ORDER BY at DESC, id DESC LIMIT $${parameters.push(limit)}`,
    parameters,
  );
  return rows.map(toRow);
}

/** Ranges and partitions know the time alone, the primary key knows both. */
function isOlder({ id, at }: Place, parameters: unknown[]): string {
  const time = `$${parameters.push(new Date(at).toISOString())}::timestamptz`;
  return `at <= ${time} AND (at, id) < (${time}, $${parameters.push(id)}::uuid)`;
}

/** Not as a negation: an index knows no negated comparison of rows. */
function isNotOlder({ id, at }: Place, parameters: unknown[]): string {
  const time = `$${parameters.push(new Date(at).toISOString())}::timestamptz`;
  return `at >= ${time} AND (at, id) >= (${time}, $${parameters.push(id)}::uuid)`;
}

/** What is older than this can't meet the conditions. */
function sinceOf(conditions: readonly Condition[]): number {
  const times = conditions.flatMap(({ field, value }) => (field === "since" ? [Number(value)] : []));
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/** Only what is older than this can meet the conditions; arrivals are whole milliseconds. */
function untilOf(conditions: readonly Condition[]): Place | undefined {
  const times = conditions.flatMap(({ field, value }) => (field === "until" ? [Number(value)] : []));
  return times.length === 0 ? undefined : firstPlace(Math.floor(Math.min(...times)) + 1);
}

function earlier(one: Place | undefined, other: Place | undefined): Place | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.id < other.id ? one : other;
}

/**
 * Where stretches of about `bytes` each begin, newest first: days that are small together, and parts of those that are
 * large, as if their rows came evenly.
 */
export function* stretchesOf(days: readonly StoredDay[], bytes: number): Iterable<number> {
  let gathered = 0;
  for (const day of days) {
    if (gathered > 0 && gathered + day.bytes > bytes) {
      yield day.until;
      gathered = 0;
    }
    const parts = Math.max(1, Math.ceil(day.bytes / bytes));
    for (let part = parts - 1; part > 0; part--)
      yield Math.floor(day.from + ((day.until - day.from) * part) / parts);
    gathered += day.bytes / parts;
  }
  const oldest = days.at(-1);
  if (oldest !== undefined) yield oldest.from;
}
