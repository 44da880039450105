/**
 * How long searches of a large ledger take on the embedded store: `npm run bench:ledger -- [rows] [directory]`. A directory
 * that is named keeps the ledger for the next run; without one it is made anew and removed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { Store } from "../src/platform/store/database.ts";
import { uuidV7 } from "../src/platform/uuid.ts";
import { parseQuery } from "../src/telemetry/ledger/query.ts";
import type { LedgerRow } from "../src/telemetry/ledger/row.ts";
import { type Place, searchRows } from "../src/telemetry/ledger/search.ts";
import { insertRows, summarizeRanges } from "../src/telemetry/ledger/table.ts";
import { SeededRandom } from "./load/random.ts";
import { median } from "./report/statistics.ts";

const DAYS = 30;
const DAY_MS = 86_400_000;
const BATCH_ROWS = 5000;
/** Times that a row which was made is in the ledger. */
const COPIES = 100;
const PAGE_ROWS = 50;
const REPEATS = 5;

/** What is common, rare, not there at all, and what is common alone but not together. */
const queries = [
  "",
  "limiter:memory_bandwidth",
  "latency>2s",
  "status:5xx",
  "limiter:client",
  "finish:content_filter",
  "since:1h",
  "model:qwen latency>2s",
  "limiter:queue latency>2s status:200",
  "limiter:queue latency<100ms",
  "model:distilgpt2 limiter:client",
  "model:qwen route:/chat",
  "stream:true status:5xx",
  "limiter:memory_bandwidth status:5xx",
  "cached>90% latency>2s",
  "cached>90% latency>10s",
  "prompt>1000 completion<10 limiter:queue",
  "key:3fa9 status:429",
  "key:ffff",
  "route:/v1/completions model:qwen stream:false finish:length queue>10s",
  "latency>2s ttft<10ms decode<10ms",
  "latency>60s since:20d until:10d",
];

const rows = Number(process.argv[2] ?? 1_000_000);
const kept = process.argv[3];
const directory = kept ?? mkdtempSync(join(tmpdir(), "ledger-"));
const store = new Store({ dataDir: directory, databaseUrl: undefined, log: pino({ level: "silent" }) });
const database = await store.database();
const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
  "SELECT count(*)::int AS count FROM ledger_requests",
);
// Some of the last copies would be of the next day.
if (count < 0.99 * rows) await fill();
const [size] = await database.query<{
  readonly bytes: number;
  readonly rows: number;
  readonly indexes: number;
}>(
  `SELECT sum(pg_table_size(inhrelid))::float8 AS bytes, sum(pg_indexes_size(inhrelid))::float8 AS indexes,
   (SELECT count(*) FROM ledger_requests)::int AS rows FROM pg_inherits WHERE inhparent = 'ledger_requests'::regclass`,
);
if (size !== undefined)
  console.log(
    `${size.rows.toLocaleString("en")} rows: ${Math.round(size.bytes / size.rows)} bytes each, and ${Math.round(size.indexes / size.rows)} of indexes`,
  );

console.log("| query | first page, ms | rows | slowest page, ms | pages to the end or a full one |");
console.log("| --- | ---: | ---: | ---: | ---: |");
for (const query of queries) {
  const conditions = parseQuery(query, Date.now());
  const page = (before?: Place) => searchRows(database, conditions, { before, limit: PAGE_ROWS });
  const firstMs: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) firstMs.push((await timed(() => page())).ms);
  let { ms: slowestMs, value } = await timed(() => page());
  let found = value.rows.length;
  let pages = 1;
  while (value.next !== undefined && found < PAGE_ROWS) {
    const { next } = value;
    const one = await timed(() => page(next));
    ({ value } = one);
    slowestMs = Math.max(slowestMs, one.ms);
    found += value.rows.length;
    pages++;
  }
  console.log(
    `| \`${query}\` | ${median(firstMs).toFixed(1)} | ${found} | ${slowestMs.toFixed(1)} | ${pages} |`,
  );
}
await store.close();
if (kept === undefined) rmSync(directory, { recursive: true });

async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const from = performance.now();
  const value = await work();
  return { ms: performance.now() - from, value };
}

/** One row in `COPIES` is made by itself, as requests write them; the others are these, some seconds later. */
async function fill(): Promise<void> {
  const random = new SeededRandom(1);
  const from = performance.now();
  await database.query("TRUNCATE ledger_requests, ledger_minutes");
  const made = Math.ceil(rows / COPIES);
  const spacingMs = (DAYS * DAY_MS) / made;
  for (let done = 0; done < made; done += BATCH_ROWS) {
    const at = (index: number) => Math.floor(now - DAYS * DAY_MS + spacingMs * index);
    const batch = Array.from({ length: Math.min(BATCH_ROWS, made - done) }, (_, index) =>
      madeRow(at(done + index), random),
    );
    await insertRows(database, batch);
  }
  console.log(`${made.toLocaleString("en")} rows made in ${Math.round((performance.now() - from) / 1000)} s`);
  const columns = await database.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'ledger_requests'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
  );
  // An id has its time in it: UUIDs of version 7.
  const copied: Readonly<Record<string, string>> = {
    at: "later",
    id: `(lpad(to_hex((extract(epoch FROM later) * 1000)::bigint), 12, '0') || '7' || substr(noise, 1, 3) || '8' || substr(noise, 4, 15))::uuid`,
  };
  await database.query("CREATE TEMP TABLE made AS SELECT * FROM ledger_requests");
  await database.query("TRUNCATE ledger_requests");
  for (let day = 0; day < DAYS; day++) {
    const [begin, end] = [day, day + 1].map((each) => new Date(now - (DAYS - each) * DAY_MS).toISOString());
    await database.query(
      `INSERT INTO ledger_requests SELECT ${columns.map(({ name }) => copied[name] ?? name).join(", ")}
       FROM made, generate_series(0, ${COPIES - 1}) AS copy,
       LATERAL (SELECT at + copy * interval '${(spacingMs / COPIES / 1000).toFixed(3)} s' AS later, md5(id::text || copy) AS noise) AS other
       WHERE at >= $1::timestamptz AND at < $2::timestamptz AND later < $2::timestamptz ORDER BY later`,
      [begin, end],
    );
  }
  await summarizeRanges(database);
  await database.query("ANALYZE ledger_requests");
  console.log(`filled in ${Math.round((performance.now() - from) / 1000)} s`);
}

/** Two models, of which one is new; hours of overload; errors, and clients that are slow, now and then. */
function madeRow(at: number, random: SeededRandom): LedgerRow {
  const isOverloaded = Math.floor(at / 3_600_000) % 37 === 0;
  const isRefused = isOverloaded && random.next() < 0.05;
  const isSlowClient = random.next() < 0.0005;
  const isNew = now - at < 5 * DAY_MS && random.next() < 0.4;
  const promptTokens = Math.ceil(random.exponential(300));
  const completionTokens = isRefused ? 0 : Math.ceil(random.exponential(60));
  const queueMs = isOverloaded ? random.exponential(3000) : random.exponential(4);
  const prefillMs = promptTokens * 0.4 * (0.5 + random.next());
  const decodeMs = completionTokens * 9 * (0.5 + random.next());
  const receive = isSlowClient ? 5000 * random.next() : 0.1;
  const latencyMs = isRefused ? 2 : receive + queueMs + prefillMs + decodeMs + 2;
  const parts = {
    receive,
    prepare: 2,
    wait_sequence: queueMs,
    prefill_own_prefill: prefillMs,
    decode_weights: 0.7 * decodeMs,
    decode_own_rows: 0.2 * decodeMs,
    decode_own_sampling: 0.1 * decodeMs,
  };
  const classes = [
    ["client", receive],
    ["queue", queueMs],
    ["prefill_compute", prefillMs],
    ["memory_bandwidth", 0.7 * decodeMs],
  ] as const;
  const [limiter, limiterMs] = classes.reduce((one, other) => (other[1] > one[1] ? other : one));
  return {
    id: uuidV7(at),
    requestId: `bench-${at}-${random.integer(1000)}`,
    at,
    route: random.next() < 0.2 ? "/chat" : random.next() < 0.9 ? "/v1/chat/completions" : "/v1/completions",
    stream: random.next() < 0.6,
    key: random.next() < 0.1 ? "3fa9c01d" : "00ff1234",
    model: isNew ? "qwen2.5-0.5b" : "distilgpt2",
    status: isRefused ? 503 : random.next() < 0.001 ? 429 : 200,
    error: isRefused ? "service_unavailable" : null,
    reason: isRefused ? "queue_full" : null,
    finishReason: isRefused ? null : random.next() < 0.3 ? "length" : "stop",
    cached: false,
    generations: isRefused ? 0 : 1,
    promptTokens,
    cachedPromptTokens: Math.floor(promptTokens * random.next()),
    completionTokens,
    reasoningTokens: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
    latencyMs,
    timeToFirstTokenMs: isRefused ? null : receive + queueMs + prefillMs,
    queueMs,
    prefillMs: isRefused ? 0 : prefillMs,
    decodeMs,
    joules: null,
    limiter: isRefused ? null : limiter,
    limiterShare: isRefused ? null : limiterMs / latencyMs,
    parts: isRefused ? {} : parts,
  };
}
