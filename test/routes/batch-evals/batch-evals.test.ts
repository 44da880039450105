import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { wilsonInterval } from "../../../src/features/evaluation/statistics/wilson.ts";
import {
  allRecords,
  createDataset,
  follow,
  type RecordView,
  type RunEvent,
  type RunView,
  records,
  showRun,
  startRun,
  untilFinished,
} from "../../support/batch-evals.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

const COUNT = 12;

let server: TestServer;
let datasetId: string;
let runId: string;
let events: RunEvent[];
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN } });
  datasetId = await createDataset(server, records(COUNT));
  runId = await startRun(server, {
    dataset_id: datasetId,
    criteria: ["overall", "clarity"],
    metrics: { exact_match: {}, token_f1: {} },
    instructions: "Answer with one short sentence, and with nothing that was not asked for. "
      .repeat(4)
      .trim(),
  });
  events = await untilFinished(server, runId);
});
after(() => server[Symbol.asyncDispose]());

interface Result extends RunView {
  readonly summary: {
    readonly mean_scores: Readonly<Record<string, number>>;
    readonly mean_scores_ci95: Readonly<Record<string, { readonly lower: number; readonly upper: number }>>;
    readonly mean_scores_expected: Readonly<Record<string, number>>;
    readonly mean_metrics: Readonly<Record<string, number>>;
    readonly pass_rate: number;
    readonly pass_rate_ci95_lower: number;
    readonly pass_rate_ci95_upper: number;
    readonly total_items: number;
    readonly failed_items: number;
    readonly latency_p50_ms: number;
    readonly latency_p95_ms: number;
    readonly tokens: Readonly<Record<string, number>>;
    readonly warnings: ReadonlyArray<{ readonly code: string }>;
  };
  readonly failures: ReadonlyArray<{
    readonly code: string;
    readonly category: string;
    readonly count: number;
  }>;
  readonly slices: ReadonlyArray<{
    readonly tag: string;
    readonly total_items: number;
    readonly passed_items: number;
  }>;
}

test("a run evaluates every record once, and its events count up to the end", async () => {
  const progress = events
    .filter(({ event }) => event === "progress")
    .map(({ data }) => data.progress.completed);
  assert.deepEqual(
    progress,
    Array.from({ length: COUNT - 1 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
  const last = events.at(-1);
  assert.equal(last?.event, "status");
  assert.equal(last?.data.status, "completed");
  assert.deepEqual(last?.data.progress, { total: COUNT, completed: COUNT, failed: 0 });
  const results = await allRecords(server, runId);
  assert.deepEqual(
    results.map(({ record_id }) => record_id),
    Array.from({ length: COUNT }, (_, index) => `r${index}`),
  );
  for (const { measurement } of results) {
    assert.deepEqual(
      measurement?.scores.map(({ criterion }) => criterion),
      ["overall", "clarity"],
    );
  }
});

test("a follower who reconnects gets exactly what comes after the event it names", async () => {
  for (const from of [0, 1, 5, events.length - 1]) {
    const rest: RunEvent[] = [];
    for await (const event of follow(server, runId, from)) rest.push(event);
    assert.deepEqual(rest, events.slice(from));
  }
  const response = await server.get(`/v1/batch-evals/${runId}/events`, {
    "x-api-key": "dev-local-key",
    "last-event-id": String(events.length),
  });
  assert.equal(response.status, 204, "nothing is left, and a browser need not ask again");
});

test("the summary is what its records come to", async () => {
  const { summary, slices, failures } = await json<Result>(server.get(`/v1/batch-evals/${runId}/result`));
  const results = await allRecords(server, runId);
  const mean = (of: (record: RecordView) => number) =>
    results.reduce((sum, record) => sum + of(record), 0) / COUNT;
  for (const criterion of ["overall", "clarity"]) {
    const score = mean(
      (record) => record.measurement?.scores.find((one) => one.criterion === criterion)?.score ?? 0,
    );
    assert.ok(Math.abs((summary.mean_scores[criterion] ?? 0) - score) < 1e-4);
    const expected = mean(
      (record) =>
        record.measurement?.scores.find((one) => one.criterion === criterion)?.score_expected ?? Number.NaN,
    );
    assert.ok(Math.abs((summary.mean_scores_expected[criterion] ?? 0) - expected) < 1e-4);
    const interval = summary.mean_scores_ci95[criterion];
    assert.ok(interval !== undefined && interval.lower <= score && score <= interval.upper);
  }
  assert.ok(
    Math.abs(
      (summary.mean_metrics["token_f1"] ?? -1) -
        mean((record) => record.measurement?.metrics["token_f1"] ?? 0),
    ) < 1e-4,
  );
  const passed = results.filter((record) => record.passed).length;
  const { lower, upper } = wilsonInterval(passed, COUNT);
  assert.equal(summary.pass_rate, Number((passed / COUNT).toFixed(4)));
  assert.ok(Math.abs(summary.pass_rate_ci95_lower - lower) < 1e-4);
  assert.ok(Math.abs(summary.pass_rate_ci95_upper - upper) < 1e-4);
  assert.equal(summary.total_items, COUNT);
  assert.equal(
    summary.tokens["prompt_tokens"],
    results.reduce((sum, record) => sum + (record.measurement?.tokens["prompt_tokens"] ?? 0), 0),
  );
  assert.ok(summary.latency_p50_ms <= summary.latency_p95_ms);
  assert.deepEqual(
    summary.warnings.map(({ code }) => code),
    ["few_records"],
  );
  assert.deepEqual(
    slices.map(({ tag, total_items }) => [tag, total_items]),
    [
      ["even", COUNT / 2],
      ["odd", COUNT / 2],
    ],
  );
  assert.equal(
    slices.reduce((sum, slice) => sum + slice.passed_items, 0),
    passed,
  );
  assert.equal(
    failures.reduce((sum, { count }) => sum + count, 0),
    COUNT - passed,
  );
});

test("the second record on takes the run's instructions from the cache", async () => {
  const results = await allRecords(server, runId);
  const cached = results.map(({ measurement }) => measurement?.tokens["cached_prompt_tokens"] ?? 0);
  const isWhole = (tokens: number) => tokens >= 8;
  assert.ok(cached.filter(isWhole).length >= COUNT - 1, `cached prompt tokens: ${cached}`);
});

test("a run says everything that is needed to repeat it", async () => {
  const { provenance } = await showRun(server, runId);
  const model = provenance["model"];
  assert.equal(model?.["file_sha256"], createHash("sha256").update(readFileSync(BUILTIN)).digest("hex"));
  assert.match(String(provenance["engine_version"]), /llama\.cpp/);
  assert.match(String(provenance["code_version"]), /^\d+\.\d+\.\d+/);
  assert.match(String(provenance["task_prompt"]?.["sha256"]), /^[0-9a-f]{64}$/);
  const dataset = provenance["dataset"];
  assert.equal(dataset?.["dataset_id"], datasetId);
  assert.match(String(dataset?.["content_hash"]), /^[0-9a-f]{64}$/);
});

test("the distribution counts every score from 1 to 10", async () => {
  const { buckets, count } = await json<{ buckets: Array<{ from: number; count: number }>; count: number }>(
    server.get(`/v1/batch-evals/${runId}/distribution?criterion=overall`),
  );
  assert.deepEqual(
    buckets.map(({ from }) => from),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(
    buckets.reduce((sum, bucket) => sum + bucket.count, 0),
    COUNT,
  );
  assert.equal(count, COUNT);
});

test("failures are paged and found by category", async () => {
  const failed = (await allRecords(server, runId)).filter(({ passed }) => !passed);
  assert.ok(failed.length > 1, "the small model does not get every sum right");
  const found: RecordView[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: RecordView[]; next_cursor: string | null } = await json(
      server.get(`/v1/batch-evals/${runId}/failures?limit=1${cursor && `&cursor=${cursor}`}`),
    );
    assert.equal(page.data.length, 1);
    found.push(...page.data);
    cursor = page.next_cursor;
  }
  assert.deepEqual(found, failed);
  const beyond = Buffer.from("after:999999999999999").toString("base64url");
  const behind = await json<object>(server.get(`/v1/batch-evals/${runId}/records?cursor=${beyond}`));
  assert.deepEqual({ ...behind, request_id: "" }, { data: [], next_cursor: null, request_id: "" });
  const { data: ofEngine } = await json<{ data: RecordView[] }>(
    server.get(`/v1/batch-evals/${runId}/failures?category=engine`),
  );
  assert.deepEqual(ofEngine, []);
  const { data: ofQuality } = await json<{ data: RecordView[] }>(
    server.get(`/v1/batch-evals/${runId}/failures?category=quality&limit=100`),
  );
  assert.equal(ofQuality.length, failed.filter(({ failure }) => failure?.category === "quality").length);
});

test("exports name their run and hold every record", async () => {
  const jsonl = await (await server.get(`/v1/batch-evals/${runId}/artifacts/export?format=jsonl`)).text();
  const [head, ...lines] = jsonl
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(head?.["run_id"], runId);
  assert.equal(head?.["type"], "run");
  assert.equal(lines.length, COUNT);
  const response = await server.get(`/v1/batch-evals/${runId}/artifacts/export?format=csv`);
  assert.match(response.headers.get("content-disposition") ?? "", new RegExp(`filename="${runId}\\.csv"`));
  const csv = (await response.text()).trimEnd().split("\r\n");
  assert.match(
    csv[0] ?? "",
    /^run_id,model,position,record_id,.*score_overall,score_clarity,metric_token_f1,metric_exact_match,score_expected_overall,score_expected_clarity,/,
  );
  assert.equal(csv.filter((line) => line.startsWith(`${runId},`)).length, COUNT);
});

test("two runs of the same records are compared record by record", async () => {
  const other = await startRun(server, { dataset_id: datasetId, metrics: { token_f1: {} } });
  await untilFinished(server, other);
  const comparison = await json<{
    paired_items: number;
    scores: Record<string, Record<string, unknown>>;
    metrics: Record<string, unknown>;
    pass: Record<string, unknown>;
    warnings: Array<{ code: string }>;
  }>(server.get(`/v1/batch-evals/compare?a=${runId}&b=${other}`));
  assert.equal(comparison.paired_items, COUNT);
  assert.deepEqual(Object.keys(comparison.scores), ["overall"]);
  assert.deepEqual(Object.keys(comparison.metrics), ["token_f1"]);
  const overall = comparison.scores["overall"] as Record<string, number>;
  assert.equal((overall["wins"] ?? 0) + (overall["ties"] ?? 0) + (overall["losses"] ?? 0), COUNT);
  assert.ok(
    (overall["difference_ci95_lower"] ?? 1) <= (overall["difference"] ?? 0) &&
      (overall["difference"] ?? 0) <= (overall["difference_ci95_upper"] ?? -1),
  );
  assert.equal((overall["warning"] as unknown as { code: string }).code, "few_records");
  assert.equal(typeof comparison.pass["mcnemar_exact_p"], "number");
  const same = await json<typeof comparison>(server.get(`/v1/batch-evals/compare?a=${runId}&b=${runId}`));
  assert.equal(same.scores["overall"]?.["difference"], 0);
  assert.equal(same.pass["mcnemar_exact_p"], 1);
  // The other run measures less, so that passing it is easier.
  assert.deepEqual(
    comparison.warnings.map(({ code }) => code),
    ["different_pass_rules"],
  );
  assert.deepEqual(same.warnings, []);
});

test("thresholds of one's own decide what passes", async () => {
  const strict = await startRun(server, { dataset_id: datasetId, thresholds: { overall: 10 } });
  const lenient = await startRun(server, { dataset_id: datasetId, thresholds: { overall: 1 } });
  await Promise.all([untilFinished(server, strict), untilFinished(server, lenient)]);
  for (const record of await allRecords(server, strict)) {
    assert.equal(record.passed, (record.measurement?.scores[0]?.score ?? 0) >= 10);
  }
  assert.ok((await allRecords(server, lenient)).every(({ passed }) => passed));
});

test("runs are listed newest first, page by page", async () => {
  const first = await json<{ data: RunView[]; next_cursor: string }>(server.get("/v1/batch-evals?limit=1"));
  const second = await json<{ data: RunView[] }>(
    server.get(`/v1/batch-evals?limit=100&cursor=${first.next_cursor}`),
  );
  assert.equal(second.data.at(-1)?.run_id, runId, "the oldest comes last");
  assert.ok(!second.data.some(({ run_id }) => run_id === first.data[0]?.run_id));
});
