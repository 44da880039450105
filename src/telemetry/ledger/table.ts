import type { Database, Queries } from "../../platform/store/database.ts";
import { type LatencyPart, type LatencyParts, latencyPartNames } from "../latency-parts.ts";
import { type MinuteCount, minuteCounts } from "./minutes.ts";
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
export const selected = `${fields.map((field) => `${columnOf(field)} AS "${field}"`).join(", ")}, at, to_jsonb(parts) AS parts`;
const recordset = `${fields.map((field) => `"${field}" ${columnTypes[field]}`).join(", ")}, at float8, parts text`;

export type StoredRow = Omit<LedgerRow, "at" | "parts"> & {
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

/** A day whose requests are stored; times in milliseconds since 1970. */
export interface StoredDay {
  readonly from: number;
  readonly until: number;
  readonly bytes: number;
}

/** The latest first. */
export async function storedDays(queries: Queries): Promise<StoredDay[]> {
  const partitions = await queries.query<{ readonly name: string; readonly bytes: number }>(
    `SELECT inhrelid::regclass::text AS name, pg_relation_size(inhrelid)::float8 AS bytes
     FROM pg_inherits WHERE inhparent = 'ledger_requests'::regclass`,
  );
  const days = partitions.map(({ name, bytes }) => {
    const from = Date.parse(name.replace(/^.*_(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3"));
    return { from, until: from + DAY_MS, bytes };
  });
  return days.toSorted((a, b) => b.from - a.from);
}

/** Drops the days before `oldest`, in milliseconds since 1970. */
export async function dropBefore(queries: Queries, oldest: number): Promise<void> {
  for (const { from, until } of await storedDays(queries))
    if (until <= oldest) await queries.query(`DROP TABLE ${partitionName(from)}`);
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

export function toRow({ at, parts, ...row }: StoredRow): LedgerRow {
  const spent = latencyPartNames.flatMap((name, index): Array<[LatencyPart, number]> => {
    const ms = parts[index];
    return ms === null || ms === undefined ? [] : [[name, ms]];
  });
  return { ...row, at: at.getTime(), parts: Object.fromEntries(spent) };
}
