import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadConfig } from "../../../src/config/config.ts";
import type { EvaluateResponse } from "../../../src/features/evaluation/schema.ts";
import {
  allRecords,
  createDataset,
  records,
  showRun,
  startRun,
  untilFinished,
} from "../../support/batch-evals.ts";
import { assertError } from "../../support/envelope.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, startServer, type TestServer, until } from "../../support/server.ts";

const pair = { prompt: "What is two plus two?", response: "Four." };

interface Readiness {
  readonly judge: { readonly state: string; readonly message?: string };
}

async function judgeState(server: TestServer): Promise<Readiness["judge"]> {
  return (await json<Readiness>(server.get("/readyz"))).judge;
}

/** Another server of ours, as the API that judges: real answers to real requests. */
let upstream: TestServer;
before(async () => {
  upstream = await startServer({ env: { MODEL_NAME: BUILTIN, CONTEXT_SIZE: "512", API_KEY: "judge-key" } });
});
after(() => upstream[Symbol.asyncDispose]());

test("without a judge of its own, the served model judges", async () => {
  assert.deepEqual(await judgeState(upstream), { state: "none" });
});

test("another local model judges, in a process of its own", async () => {
  await using server = await startServer({ env: { CONTEXT_SIZE: "512", JUDGE_MODEL: "builtin" } });
  await until(async () => (await judgeState(server)).state === "ready");
  const answer = await json<EvaluateResponse>(
    server.post("/evaluate", { ...pair, criteria: ["accuracy", "clarity"] }),
  );
  assert.equal(answer.model, "builtin");
  assert.equal(answer.judge.model, "builtin");
  const same = await json<EvaluateResponse>(
    upstream.post("/evaluate", { ...pair, criteria: ["accuracy", "clarity"] }),
  );
  assert.deepEqual(
    answer.scores.map(({ score }) => score),
    same.scores.map(({ score }) => score),
  );
});

test("a local judge that can't be loaded is told, and nothing else stops", async () => {
  await using server = await startServer({ env: { JUDGE_MODEL: "/nowhere/judge.gguf" } });
  await until(async () => (await judgeState(server)).state === "failed");
  assert.match((await judgeState(server)).message ?? "", /nowhere/);
  const { error } = await assertError(await server.post("/evaluate", pair), {
    status: 503,
    code: "service_unavailable",
  });
  assert.equal(error.details?.["reason"], "model_unavailable");
  assert.equal((await server.post("/chat", { prompt: "Hello", max_new_tokens: 4 })).status, 200);
});

describe("a judge behind an OpenAI-compatible API", () => {
  let server: TestServer;
  let directory: string;
  /** Of the dataset, and a run over it that this judge has judged. */
  let datasetId: string;
  let judged: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
    server = await startServer({
      env: {
        MODEL_NAME: BUILTIN,
        DATA_DIR: directory,
        JUDGE_MODEL: `${upstream.url}/v1#builtin`,
        JUDGE_API_KEY: "judge-key",
      },
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  test("scores, with the expectation over its tokens and its own account of them", async () => {
    assert.deepEqual(await judgeState(server), { state: "idle" });
    const answer = await json<EvaluateResponse>(
      server.post("/evaluate", { ...pair, criteria: ["accuracy", "overall"] }),
    );
    assert.equal(answer.judge.model, "builtin");
    const same = await json<EvaluateResponse>(
      upstream.post("/evaluate", { ...pair, criteria: ["accuracy", "overall"] }),
    );
    for (const [index, { criterion, score, rationale, score_expected }] of answer.scores.entries()) {
      assert.equal(criterion, ["accuracy", "overall"][index]);
      assert.ok(Number.isInteger(score) && rationale.length > 0);
      // An API shows no token that it did not write: how likely a 10 was is only known where the answer began with 1.
      const own = same.scores[index]?.score_expected ?? Number.NaN;
      if (score_expected === null) assert.notEqual(score, 1);
      else assert.ok(Math.abs(score_expected - own) < 0.5, `${score_expected} ${own}`);
    }
    assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
    assert.deepEqual(await judgeState(server), { state: "ready" });
  });

  test("is named in the runs that it judges", async () => {
    datasetId = await createDataset(server, records(2));
    judged = await startRun(server, { dataset_id: datasetId });
    await untilFinished(server, judged);
    const { judge, model } = (await showRun(server, judged)).provenance;
    assert.equal(judge?.["model"], "builtin");
    assert.equal(judge?.["fingerprint"], null, "an API does not tell");
    assert.match(String(model?.["fingerprint"]), /./);
  });

  test("says that a response is too long to be judged", async () => {
    const response = await server.post("/evaluate", { ...pair, response: "a long answer ".repeat(300) });
    await assertError(response, { status: 400, code: "context_length_exceeded" });
  });

  test("after which another judges: a run is not judged by two, and runs of both are compared with a warning", async () => {
    const paused = await startRun(server, { dataset_id: await createDataset(server, records(40)) });
    await server.post(`/v1/batch-evals/${paused}/pause`, {});
    assert.equal(await server.stop(), 0);
    await using other = await startServer({ env: { MODEL_NAME: BUILTIN, DATA_DIR: directory } });
    await other.post(`/v1/batch-evals/${paused}/resume`, {});
    await until(async () => (await showRun(other, paused)).status === "paused");
    const { status, status_reason } = await showRun(other, paused);
    assert.equal(status, "paused");
    assert.match(status_reason ?? "", /is judged by builtin by judge-v1 .* judges now/);
    const second = await startRun(other, { dataset_id: datasetId });
    await untilFinished(other, second);
    const { warnings } = await json<{ warnings: Array<{ code: string; message: string }> }>(
      other.get(`/v1/batch-evals/compare?a=${judged}&b=${second}`),
    );
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ["different_judges"],
    );
  });
});

test("when the API refuses, nothing is invented: 503 with what it said", async () => {
  await using server = await startServer({
    env: { JUDGE_MODEL: `${upstream.url}/v1#builtin`, JUDGE_API_KEY: "a-wrong-key" },
  });
  const { error } = await assertError(await server.post("/evaluate", pair), {
    status: 503,
    code: "service_unavailable",
  });
  assert.equal(error.details?.["reason"], "judge_failed");
  assert.equal(error.details?.["judge_status"], 401);
  assert.equal((await judgeState(server)).state, "failed");
});

test("a judge that can't be reached is asked again later, three times in all", async () => {
  await using server = await startServer({ env: { JUDGE_MODEL: "http://127.0.0.1:9/v1#m" } });
  const runId = await startRun(server, { dataset_id: await createDataset(server, records(1)) });
  await untilFinished(server, runId);
  const [record] = await allRecords(server, runId);
  assert.deepEqual(record?.failure, { code: "judge_failed", category: "judge" });
  assert.equal(record?.attempt, 3);
});

test("an address without a model, or with a password, stops the start", () => {
  for (const judge of ["http://127.0.0.1:9/v1", "http://user:pass@127.0.0.1:9/v1#m", "http://#m"])
    assert.throws(() => loadConfig({ JUDGE_MODEL: judge }), /JUDGE_MODEL must/);
});
