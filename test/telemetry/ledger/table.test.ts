import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Store } from "../../../src/platform/store/database.ts";
import { timeOfUuidV7, uuidV7 } from "../../../src/platform/uuid.ts";
import { bucketOf, quantile } from "../../../src/telemetry/ledger/histogram.ts";
import { matches, parseQuery } from "../../../src/telemetry/ledger/query.ts";
import type { LedgerRow } from "../../../src/telemetry/ledger/row.ts";
import { type FoundRows, type Place, searchRows, stretchesOf } from "../../../src/telemetry/ledger/search.ts";
import {
  dropBefore,
  insertRows,
  selectMinutes,
  summarizeRanges,
} from "../../../src/telemetry/ledger/table.ts";
import { silentLog } from "../../support/silent-log.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const DAY_MS = 86_400_000;
const now = Date.parse("2026-03-15T12:00:00Z");

/** Numbers that a `real` keeps as they are. */
const ms = fc.integer({ min: 0, max: 80_000 }).map((quarters) => quarters / 8);
const count = fc.integer({ min: 0, max: 3000 });
const row: fc.Arbitrary<LedgerRow> = fc
  .record({
    at: fc.integer({ min: now - 5 * DAY_MS, max: now }),
    requestId: fc.stringMatching(/^[a-z]{1,3}$/),
    route: fc.constantFrom("/chat", "/v1/chat/completions", "/v1/completions"),
    stream: fc.boolean(),
    key: fc.option(fc.constantFrom("3fa9c01d", "00ff1234")),
    model: fc.option(fc.constantFrom("distilgpt2", 'it\'s "quoted"')),
    status: fc.constantFrom(200, 200, 400, 499, 503),
    error: fc.option(fc.constantFrom("invalid_request", "service_unavailable")),
    reason: fc.option(fc.constantFrom("queue_full")),
    finishReason: fc.option(fc.constantFrom("stop", "length")),
    cached: fc.boolean(),
    generations: fc.integer({ min: 0, max: 3 }),
    promptTokens: count,
    cachedPromptTokens: count,
    completionTokens: count,
    reasoningTokens: count,
    draftedTokens: count,
    acceptedTokens: count,
    latencyMs: ms,
    timeToFirstTokenMs: fc.option(ms),
    queueMs: ms,
    prefillMs: ms,
    decodeMs: ms,
    joules: fc.option(ms),
    limiter: fc.option(fc.constantFrom("queue", "memory_bandwidth")),
    limiterShare: fc.option(fc.constantFrom(0.25, 0.5)),
    parts: fc.constantFrom({}, { prepare: 2.5, wait_sequence: 10, decode_weights: 70.25 }, { send: 3 }),
  })
  .map((fields) => ({ ...fields, id: uuidV7(fields.at) }));

const queries = [
  "",
  "limiter:queue latency>2s",
  "ttft<500ms cached<20%",
  "status:5xx",
  "status:400 stream:false",
  "status>=400 status<500",
  "key:3fa9 finish:length",
  "model:quoted route:/v1/",
  "prompt>=100 completion<2000 queue>1.5s",
  "since:2d until:2026-03-15T06:00Z",
  "error:service_unavailable reason:queue_full",
  "id:a prefill<1m decode>10ms",
];

test("the store keeps rows as they are, once, and finds by every query what memory finds", async (t) => {
  await using store = await opened(t);
  const database = await store.database();
  const rows = fc.sample(row, { numRuns: 300, seed: 7 }).toSorted((a, b) => (a.id < b.id ? 1 : -1));
  await insertRows(database, rows);
  await insertRows(database, rows.slice(0, 50));
  const all = async () => (await searchRows(database, [], { limit: 1000 })).rows;
  assert.deepEqual(await all(), rows);
  for (const query of queries) {
    const conditions = parseQuery(query, now);
    const expected = rows.filter((each) => matches(each, conditions));
    const found = await searchRows(database, conditions, { limit: 1000 });
    assert.deepEqual(
      found.rows.map(({ id }) => id),
      expected.map(({ id }) => id),
      query,
    );
    const half = expected[Math.floor(expected.length / 2)];
    if (half === undefined) continue;
    const rest = await searchRows(database, conditions, { before: half, limit: 1000 });
    assert.deepEqual(rest.rows, expected.slice(expected.indexOf(half) + 1), query);
  }
  await summarizeRanges(database);
  for (const query of ["limiter:queue latency>2s", "status:5xx", "model:quoted since:2d", "cached<1%"]) {
    const conditions = parseQuery(query, now);
    const expected = rows.filter((each) => matches(each, conditions));
    // Whether a search runs out of time after each stretch or never, its pages have the same rows.
    for (const hurry of [0, 1000]) {
      let ms = 0;
      const clock = () => (ms += hurry);
      const found: FoundRows[] = [];
      let before: Place | undefined;
      do {
        const options = { before, limit: 20, latestRows: 100, stretchBytes: 8192, clock };
        found.push(await searchRows(database, conditions, options));
        before = found.at(-1)?.next;
      } while (before !== undefined);
      assert.deepEqual(
        found.flatMap((page) => page.rows),
        expected,
        query,
      );
      const isLimited = found.every((page) => page.rows.length <= 20);
      assert.ok(isLimited && (hurry > 0 || found.length <= 1 + expected.length / 20), query);
    }
  }
  const counts = await selectMinutes(database, now - 6 * DAY_MS, now + DAY_MS);
  const latencies = counts.filter(({ series }) => series === "latency");
  assert.equal(
    latencies.reduce((sum, each) => sum + each.count, 0),
    rows.length,
  );
  await dropBefore(database, now - 2 * DAY_MS);
  const kept = await all();
  const firstDay = Math.floor((now - 2 * DAY_MS) / DAY_MS) * DAY_MS;
  assert.deepEqual(
    kept,
    rows.filter(({ at }) => at >= firstDay),
  );
});

test("a search looks at small days together and at parts of large ones", () => {
  const day = (index: number, bytes: number) => ({
    from: index * DAY_MS,
    until: (index + 1) * DAY_MS,
    bytes,
  });
  const days = [day(9, 40), day(8, 40), day(7, 40), day(5, 300), day(4, 0), day(3, 10)];
  const starts = [...stretchesOf(days, 100)].map((at) => at / DAY_MS);
  assert.deepEqual(
    starts.map((at) => Math.round(at * 100) / 100),
    [8, 6, 5.67, 5.33, 4, 3],
  );
  assert.deepEqual([...stretchesOf([], 100)], []);
});

test("percentiles of histograms are those of the values, within a bucket", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 1e5, noNaN: true }), { minLength: 20 }), (values) => {
      const counts = new Map<number, number>();
      for (const value of values) counts.set(bucketOf(value), (counts.get(bucketOf(value)) ?? 0) + 1);
      const sorted = values.toSorted((a, b) => a - b);
      for (const share of [0.5, 0.95]) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const estimate = quantile(counts, share) ?? 0;
        assert.ok(Math.abs(estimate / exact - 1) < 0.1, `${estimate} for ${exact}`);
      }
    }),
  );
});

test("ids sort by the time that they tell", () => {
  const ids = [now, now + 1, now + 70_000].map(uuidV7);
  assert.deepEqual(ids.toSorted(), ids);
  assert.deepEqual(ids.map(timeOfUuidV7), [now, now + 1, now + 70_000]);
  assert.equal(timeOfUuidV7("0192f0c1-0000-4000-8000-000000000000"), undefined);
});

async function opened(t: Parameters<typeof temporaryDirectory>[0]) {
  const store = new Store({
    dataDir: await temporaryDirectory(t),
    databaseUrl: undefined,
    log: silentLog,
  });
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}
