import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  allRecords,
  createDataset,
  follow,
  type RunEvent,
  type RunView,
  records,
  showRun,
  startRun,
  untilFinished,
} from "../../support/batch-evals.ts";
import { assertError } from "../../support/envelope.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, KEY, startServer, type TestServer, until } from "../../support/server.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const good = { criteria: ["overall"] };
/** Records of a run that is not over when it is paused, cancelled or cut off. */
const LONG = 24;

let server: TestServer;
let datasetId: string;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN } });
  datasetId = await createDataset(server, records(LONG));
});
after(() => server[Symbol.asyncDispose]());

async function untilMeasured(from: TestServer, runId: string, count: number): Promise<void> {
  await until(async () => (await showRun(from, runId)).progress.completed >= count);
}

test("a paused run takes up nothing until it is resumed, and then ends as if nothing had been", async () => {
  const runId = await startRun(server, { dataset_id: datasetId });
  await untilMeasured(server, runId, 3);
  const paused = await server.post(`/v1/batch-evals/${runId}/pause`, {});
  assert.equal(paused.status, 200);
  assert.equal((await json<RunView>(paused)).status, "paused");
  // What was under way is finished; then nothing more comes.
  let before = -1;
  await until(async () => {
    const { progress } = await showRun(server, runId);
    const isStill = progress.completed === before;
    before = progress.completed;
    return isStill;
  });
  assert.ok(before < LONG);
  await assertError(await server.post(`/v1/batch-evals/${runId}/pause`, {}), {
    status: 409,
    code: "conflict",
  });
  // A follower who has seen everything is answered at once, though nothing will happen for long.
  const follower = new AbortController();
  const quiet = await fetch(`${server.url}/v1/batch-evals/${runId}/events`, {
    headers: { ...KEY, "last-event-id": "999999" },
    signal: follower.signal,
  });
  assert.equal(quiet.status, 200);
  follower.abort();
  assert.equal((await server.post(`/v1/batch-evals/${runId}/resume`, {})).status, 200);
  const events = await untilFinished(server, runId);
  assert.deepEqual(
    events.filter(({ event }) => event === "status").map(({ data }) => data.status),
    ["queued", "running", "paused", "queued", "running", "completed"],
  );
  assert.equal((await allRecords(server, runId)).length, LONG);
});

test("a cancelled run keeps what it measured, ends its stream, and can't be changed any more", async () => {
  const runId = await startRun(server, { dataset_id: datasetId });
  const followed = untilFinished(server, runId);
  await untilMeasured(server, runId, 2);
  assert.equal((await json<RunView>(server.post(`/v1/batch-evals/${runId}/cancel`, {}))).status, "cancelled");
  const last = (await followed).at(-1);
  assert.equal(last?.data.status, "cancelled");
  const kept = await allRecords(server, runId);
  assert.equal(kept.length, last?.data.progress.completed);
  assert.ok(kept.length >= 2 && kept.length < LONG);
  for (const change of ["cancel", "pause", "resume"]) {
    const response = await server.post(`/v1/batch-evals/${runId}/${change}`, {});
    await assertError(response, { status: 409, code: "conflict" });
  }
});

test("a run goes on after a restart, its followers get every event once, and new limits hold for what comes", async (context) => {
  const env = { MODEL_NAME: BUILTIN, DATA_DIR: await temporaryDirectory(context) };
  const first = await startServer({ env });
  const events: RunEvent[] = [];
  let runId: string;
  try {
    runId = await startRun(first, { dataset_id: await createDataset(first, records(LONG)) });
    for await (const event of follow(first, runId)) {
      events.push(event);
      if (event.data.progress.completed === 5) break;
    }
  } finally {
    assert.equal(await first.stop(), 0);
    await first[Symbol.asyncDispose]();
  }
  await using second = await startServer({ env: { ...env, MAX_NEW_TOKENS_LIMIT: "24" } });
  for await (const event of follow(second, runId, events.at(-1)?.id)) events.push(event);
  assert.equal(events.at(-1)?.data.status, "completed");
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
  const results = await allRecords(second, runId);
  assert.deepEqual(
    results.map(({ position }) => position),
    Array.from({ length: LONG }, (_, index) => index),
  );
  const body = { dataset_id: await createDataset(second, records(1)), ...good };
  const response = await second.post("/v1/batch-evals", { ...body, generation: { max_new_tokens: 25 } });
  await assertError(response, { status: 400, code: "invalid_request", param: "generation.max_new_tokens" });
  const { run_id } = await json<RunView>(second.post("/v1/batch-evals", body));
  const { request } = await json<{ request: { generation: { max_new_tokens: number } } }>(
    second.get(`/v1/batch-evals/${run_id}`),
  );
  assert.equal(request.generation.max_new_tokens, 24);
});

test("a record that can't be evaluated is a failure of its own and stops no other record", async () => {
  const rows = [...records(3), { record_id: "long", prompt: "word ".repeat(5_000) }];
  const runId = await startRun(server, { dataset_id: await createDataset(server, rows) });
  const events = await untilFinished(server, runId);
  assert.equal(events.at(-1)?.data.status, "completed_with_failures");
  assert.deepEqual(events.at(-1)?.data.progress, { total: 4, completed: 3, failed: 1 });
  const { data } = await json<{ data: Array<{ record_id: string; failure: object; attempt: number }> }>(
    server.get(`/v1/batch-evals/${runId}/failures?category=input`),
  );
  assert.deepEqual(
    data.map(({ record_id, failure, attempt }) => ({ record_id, failure, attempt })),
    [
      {
        record_id: "long",
        failure: { code: "context_length_exceeded", category: "input" },
        attempt: 1,
      },
    ],
  );
});

test("a set without references is not a success for metrics that need one", async () => {
  const rows = [{ prompt: "What is 1 plus 1?" }, { prompt: "What is 2 plus 1?" }];
  const runId = await startRun(server, {
    dataset_id: await createDataset(server, rows),
    criteria: undefined,
    metrics: { exact_match: {} },
  });
  await untilFinished(server, runId);
  const { summary, failures } = await json<{ summary: { pass_rate: number }; failures: object[] }>(
    server.get(`/v1/batch-evals/${runId}/result`),
  );
  assert.equal(summary.pass_rate, 0);
  assert.deepEqual(failures, [{ code: "missing_reference", category: "input", count: 2 }]);
});

test("runs of different records can't be compared, nor a run that is not over", async () => {
  const small = await startRun(server, { dataset_id: await createDataset(server, records(2)) });
  const other = await startRun(server, {
    dataset_id: await createDataset(
      server,
      records(2, (index) => `Say ${index}.`),
    ),
  });
  await Promise.all([untilFinished(server, small), untilFinished(server, other)]);
  const response = await server.get(`/v1/batch-evals/compare?a=${small}&b=${other}`);
  await assertError(response, { status: 400, code: "invalid_request", param: "b" });
  const running = await startRun(server, { dataset_id: datasetId });
  await assertError(await server.get(`/v1/batch-evals/compare?a=${small}&b=${running}`), {
    status: 409,
    code: "conflict",
  });
  await server.post(`/v1/batch-evals/${running}/cancel`, {});
});

for (const [what, body, expected] of [
  ["an unknown dataset", { dataset_id: "ds_none" }, { status: 404, code: "not_found" }],
  ["no dataset", { dataset_id: undefined }, { status: 400, code: "invalid_request", param: "dataset_id" }],
  [
    "an unknown criterion",
    { criteria: ["charm"] },
    { status: 400, code: "invalid_request", param: "criteria[0]" },
  ],
  [
    "no criteria and no metrics",
    { criteria: undefined },
    { status: 400, code: "invalid_request", param: "criteria" },
  ],
  ["concurrency 0", { concurrency: 0 }, { status: 400, code: "invalid_request", param: "concurrency" }],
  ["concurrency 65", { concurrency: 65 }, { status: 400, code: "invalid_request", param: "concurrency" }],
  ["another model", { model: "gpt-9" }, { status: 400, code: "invalid_request", param: "model" }],
  [
    "instructions that fill the context window",
    { instructions: "word ".repeat(3_000) },
    { status: 400, code: "context_length_exceeded", param: "instructions" },
  ],
  [
    "answers that fill the context window",
    { generation: { max_new_tokens: 1024 } },
    { status: 400, code: "context_length_exceeded", param: "generation.max_new_tokens" },
  ],
  [
    "a threshold that no score reaches",
    { thresholds: { overall: 11 } },
    { status: 400, code: "invalid_request", param: "thresholds.overall" },
  ],
  [
    "a threshold that no metric reaches",
    { metrics: { token_f1: {} }, thresholds: { token_f1: 50 } },
    { status: 400, code: "invalid_request", param: "thresholds.token_f1" },
  ],
  [
    "a pattern that is none",
    { metrics: { regex: { pattern: "(" } } },
    { status: 400, code: "invalid_request", param: "metrics.regex.pattern" },
  ],
  [
    "a schema that is none",
    { metrics: { json_schema: { schema: { type: "nope" } } } },
    { status: 400, code: "invalid_request", param: "metrics.json_schema.schema" },
  ],
  [
    "a threshold of what is not measured",
    { thresholds: { clarity: 5 } },
    { status: 400, code: "invalid_request", param: "thresholds.clarity" },
  ],
] as const) {
  test(`a run with ${what} is refused by name`, async () => {
    const response = await server.post("/v1/batch-evals", { dataset_id: datasetId, ...good, ...body });
    await assertError(response, expected);
  });
}

test("a corpus for retrieval is refused where an evaluation set is needed", async () => {
  const corpus = await createDataset(server, [{ text: "Paris is in France." }], "rag_corpus");
  const response = await server.post("/v1/batch-evals", { dataset_id: corpus, ...good });
  await assertError(response, { status: 400, code: "invalid_request", param: "dataset_id" });
});

test("an empty set, and one of 50,001 records, is refused when it is uploaded", async () => {
  const empty = await server.post("/v1/datasets", { name: "n", type: "eval_set", records: [] });
  await assertError(empty, { status: 400, code: "invalid_request", param: "records" });
  const form = new FormData();
  form.set("name", "n");
  form.set("type", "eval_set");
  form.set("file", new Blob(['{"prompt":"a"}\n'.repeat(50_001)]), "large.jsonl");
  const large = await fetch(`${server.url}/v1/datasets`, {
    method: "POST",
    headers: { "x-api-key": "dev-local-key" },
    body: form,
  });
  const { error } = await json<{ error: { message: string } }>(large);
  assert.ok(large.status === 400 || large.status === 413, `${large.status} ${error.message}`);
  assert.match(error.message, /50,?000/);
});

test("a run that isn't there is a 404 on every route", async () => {
  for (const path of [
    "",
    "/events",
    "/result",
    "/distribution?criterion=overall",
    "/failures",
    "/records",
    "/artifacts/export",
  ]) {
    await assertError(await server.get(`/v1/batch-evals/run_none${path}`), {
      status: 404,
      code: "not_found",
    });
  }
  for (const change of ["cancel", "pause", "resume"]) {
    await assertError(await server.post(`/v1/batch-evals/run_none/${change}`, {}), {
      status: 404,
      code: "not_found",
    });
  }
});

test("what a run did not measure has no distribution", async () => {
  const runId = await startRun(server, { dataset_id: await createDataset(server, records(1)) });
  await untilFinished(server, runId);
  const response = await server.get(`/v1/batch-evals/${runId}/distribution?criterion=clarity`);
  await assertError(response, { status: 400, code: "invalid_request", param: "criterion" });
});
