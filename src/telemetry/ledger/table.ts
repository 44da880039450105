import type { Database, Queries } from "../../platform/store/database.ts";
import { type LatencyPart, type LatencyParts, latencyPartNames } from "../latency-parts.ts";
import { type MinuteCount, minuteCounts } from "./minutes.ts";
import { type Condition, toSql } from "./query.ts";
import type { LedgerRow } from "./row.ts";

/** The SQL of the ledger. */

const DAY_MS = 86_400_000;

/** Fields of a row that are columns of the same name, in snake case, with their types. */
const columnTypes = {
  id: "uuid",
  requestId: "text",
  route: "text",
  stream: "boolean",
  key: "text",
  model: "text",
  status: "smallint",
  error: "text",
  reason: "text",
  finishReason: "text",
  cached: "boolean",
  generations: "integer",
  promptTokens: "integer",
  cachedPromptTokens: "integer",
  completionTokens: "integer",
  reasoningTokens: "integer",
  draftedTokens: "integer",
  acceptedTokens: "integer",
  latencyMs: "real",
  timeToFirstTokenMs: "real",
  queueMs: "real",
  prefillMs: "real",
  decodeMs: "real",
  joules: "real",
  limiter: "text",
  limiterShare: "real",
} as const satisfies Record<Exclude<keyof LedgerRow, "at" | "parts">, string>;

const fields = Object.keys(columnTypes) as Array<keyof typeof columnTypes>;
const columnOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const columns = fields.map(columnOf).join(", ");
const selected = `${fields.map((field) => `${columnOf(field)} AS "${field}"`).join(", ")}, at, to_jsonb(parts) AS parts`;
const recordset = `${fields.map((field) => `"${field}" ${columnTypes[field]}`).join(", ")}, at float8, parts text`;

type StoredRow = Omit<LedgerRow, "at" | "parts"> & {
  readonly at: Date;
  readonly parts: ReadonlyArray<number | null>;
};

/** Adds rows that are not there yet, and what they add up to. */
export async function insertRows(database: Database, rows: readonly LedgerRow[]): Promise<void> {
  if (rows.length === 0) return;
  await makePartitions(database, rows);
  const batch = rows.map((row) => ({ ...row, parts: toArray(row.parts) }));
  await database.transaction(async (queries) => {
    const inserted = await queries.query<{ id: string }>(
      `INSERT INTO ledger_requests (${columns}, at, parts)
       SELECT ${fields.map((field) => `"${field}"`).join(", ")}, to_timestamp(at / 1000), parts::real[]
       FROM jsonb_to_recordset($1::jsonb) AS batch (${recordset})
       ON CONFLICT DO NOTHING RETURNING id`,
      [JSON.stringify(batch)],
    );
    const ids = new Set(inserted.map(({ id }) => id));
    await addToMinutes(queries, minuteCounts(rows.filter(({ id }) => ids.has(id))));
  });
}

async function addToMinutes(queries: Queries, counts: readonly MinuteCount[]): Promise<void> {
  if (counts.length === 0) return;
  await queries.query(
    `INSERT INTO ledger_minutes (minute, series, bucket, count, total)
     SELECT to_timestamp(minute / 1000), series, bucket, count, total
     FROM jsonb_to_recordset($1::jsonb) AS batch (minute float8, series text, bucket smallint, count bigint, total float8)
     ON CONFLICT (minute, series, bucket)
     DO UPDATE SET count = ledger_minutes.count + excluded.count, total = ledger_minutes.total + excluded.total`,
    [JSON.stringify(counts)],
  );
}

/** The latest rows, which a search goes through one by one: most searches find enough among them. */
const RECENT_ROWS = 2000;

type Place = Pick<LedgerRow, "id" | "at">;

/** Newest first: those before the row `before`, up to `limit`. */
export async function selectRows(
  database: Database,
  conditions: readonly Condition[],
  before: Place | undefined,
  limit: number,
): Promise<LedgerRow[]> {
  const end = conditions.length === 0 ? undefined : await placeAfter(database, before, RECENT_ROWS);
  const recent = await selectBetween(database, conditions, { before, from: end }, limit);
  if (end === undefined || recent.length === limit) return recent;
  const left = limit - recent.length;
  // Where some are among the latest, walking on finds the others soon.
  const older =
    recent.length > 0
      ? await selectBetween(database, conditions, { before: end }, left)
      : await database.transaction((queries) => selectRare(queries, conditions, end, left));
  return [...recent, ...older];
}

/**
 * What is rare is found by the values that each stretch of rows has (`ledger_requests_ranges`). The planner would walk
 * through all rows instead, in the hope of a full page soon.
 */
async function selectRare(
  queries: Queries,
  conditions: readonly Condition[],
  before: Place,
  limit: number,
): Promise<LedgerRow[]> {
  await queries.query("SET LOCAL enable_indexscan = off");
  await queries.query("SET LOCAL enable_seqscan = off");
  return selectBetween(queries, conditions, { before, isHidden: true }, limit);
}

/** The row that is `count` rows older; undefined where there are not so many. */
async function placeAfter(
  queries: Queries,
  before: Place | undefined,
  count: number,
): Promise<Place | undefined> {
  const parameters: unknown[] = [];
  const where = before === undefined ? "true" : `(at, id) < ${placed(before, parameters)}`;
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
  /** Keeps the planner from going through all of the time before by the primary key. */
  readonly isHidden?: boolean;
}

/** Rows older than `before`, and not older than `from`. */
async function selectBetween(
  queries: Queries,
  conditions: readonly Condition[],
  { before, from, isHidden = false }: Bounds,
  limit: number,
): Promise<LedgerRow[]> {
  const parameters: unknown[] = [];
  const where = [toSql(conditions, parameters)];
  if (before !== undefined)
    where.push(`(${isHidden ? "at + interval '0'" : "at"}, id) < ${placed(before, parameters)}`);
  // Not as a negation: an index knows no negated comparison of rows.
  if (from !== undefined) where.push(`(at, id) >= ${placed(from, parameters)}`);
  const rows = await queries.query<StoredRow>(
    `SELECT ${selected} FROM ledger_requests WHERE ${where.join(" AND ")}
     ORDER BY at DESC, id DESC LIMIT $${parameters.push(limit)}`,
    parameters,
  );
  return rows.map(toRow);
}

function placed({ id, at }: Place, parameters: unknown[]): string {
  const time = parameters.push(new Date(at).toISOString());
  return `($${time}::timestamptz, $${parameters.push(id)}::uuid)`;
}

/** Takes in what values the latest stretches of rows have; a Postgres that vacuums by itself does so too. */
export async function summarizeRanges(queries: Queries): Promise<void> {
  await queries.query(
    `SELECT brin_summarize_new_values(inhrelid::regclass) FROM pg_inherits
     WHERE inhparent = 'ledger_requests_ranges'::regclass`,
  );
}

/** By the ledger's own id, whose time is known, or by the client's, of which the latest is meant. */
export async function findRow(
  queries: Queries,
  id: string,
  arrivedAt: number | undefined,
): Promise<LedgerRow | undefined> {
  const [row] =
    arrivedAt === undefined
      ? await queries.query<StoredRow>(
          `SELECT ${selected} FROM ledger_requests WHERE request_id = $1 ORDER BY at DESC LIMIT 1`,
          [id],
        )
      : await queries.query<StoredRow>(
          `SELECT ${selected} FROM ledger_requests WHERE at = $1::timestamptz AND id = $2::uuid`,
          [new Date(arrivedAt).toISOString(), id],
        );
  return row === undefined ? undefined : toRow(row);
}

export async function selectMinutes(queries: Queries, from: number, until: number): Promise<MinuteCount[]> {
  const rows = await queries.query<Omit<MinuteCount, "minute"> & { readonly minute: Date }>(
    "SELECT minute, series, bucket, count, total FROM ledger_minutes WHERE minute >= $1::timestamptz AND minute < $2::timestamptz",
    [new Date(from).toISOString(), new Date(until).toISOString()],
  );
  return rows.map((row) => ({ ...row, minute: row.minute.getTime() }));
}

/** Drops the days before `oldest`, in milliseconds since 1970. */
export async function dropBefore(queries: Queries, oldest: number): Promise<void> {
  const partitions = await queries.query<{ name: string }>(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'ledger_requests'::regclass",
  );
  const oldestName = partitionName(oldest);
  for (const { name } of partitions) if (name < oldestName) await queries.query(`DROP TABLE ${name}`);
  await queries.query("DELETE FROM ledger_minutes WHERE minute < $1::timestamptz", [
    new Date(oldest).toISOString(),
  ]);
}

async function makePartitions(queries: Queries, rows: readonly LedgerRow[]): Promise<void> {
  for (const day of new Set(rows.map(({ at }) => Math.floor(at / DAY_MS) * DAY_MS))) {
    const [from, until] = [day, day + DAY_MS].map((at) => `'${new Date(at).toISOString()}'`);
    await queries.query(
      `CREATE TABLE IF NOT EXISTS ${partitionName(day)} PARTITION OF ledger_requests FOR VALUES FROM (${from}) TO (${until})`,
    );
  }
}

function partitionName(at: number): string {
  return `ledger_requests_${new Date(at).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

/** Postgres' text of an array; ends with the last part that took time. */
function toArray(parts: LatencyParts): string {
  const last = latencyPartNames.findLastIndex((name) => parts[name] !== undefined);
  const values = latencyPartNames.slice(0, last + 1).map((name) => parts[name] ?? "NULL");
  return `{${values.join(",")}}`;
}

function toRow({ at, parts, ...row }: StoredRow): LedgerRow {
  const spent = latencyPartNames.flatMap((name, index): Array<[LatencyPart, number]> => {
    const ms = parts[index];
    return ms === null || ms === undefined ? [] : [[name, ms]];
  });
  return { ...row, at: at.getTime(), parts: Object.fromEntries(spent) };
}
