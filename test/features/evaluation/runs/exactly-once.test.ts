import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { SeededRandom } from "../../../../src/features/evaluation/statistics/random.ts";
import { Store } from "../../../../src/platform/store/database.ts";
import {
  allRecords,
  createDataset,
  records,
  showRun,
  startRun,
  untilFinished,
} from "../../../support/batch-evals.ts";
import { BUILTIN } from "../../../support/model.ts";
import { childrenOf, enginePid, isAlive, skipWithoutProc } from "../../../support/processes.ts";
import { json, startServer, type TestServer, until, untilReady } from "../../../support/server.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/*
 * Kills the server or its engine at random moments of a run and counts afterwards. The number of kills is small here;
 * EVAL_KILLS=100 EVAL_RECORDS=200 is the campaign whose outcome docs/evaluation.md tells.
 */
const KILLS = Number(process.env["EVAL_KILLS"] ?? 2);
const RECORDS = Number(process.env["EVAL_RECORDS"] ?? 40);
const SEED = Number(process.env["EVAL_SEED"] ?? 7);
/** Kills of one run, at most. */
const KILLS_PER_RUN = 8;
/** The latest moment of a kill, after the server is ready. */
const KILL_WITHIN_MS = 1_500;

test("every record has exactly one result, whatever is killed", {
  skip: skipWithoutProc,
  timeout: 3_600_000,
}, async (context) => {
  const random = new SeededRandom(SEED);
  const dataDir = await temporaryDirectory(context);
  const start = () => startServer({ env: { MODEL_NAME: BUILTIN, DATA_DIR: dataDir } });
  let server = await start();
  const runs: string[] = [];
  let kills = 0;
  try {
    const datasetId = await createDataset(server, records(RECORDS));
    while (kills < KILLS) {
      const runId = await startRun(server, { dataset_id: datasetId, concurrency: 4 });
      runs.push(runId);
      for (let count = 0; count < KILLS_PER_RUN && kills < KILLS; count++) {
        await pause(random.integer(KILL_WITHIN_MS));
        const isServer = random.next() < 0.5;
        kills++;
        if (isServer) {
          await kill(server);
          server = await start();
        } else {
          await killEngine(server);
        }
        const { finished_at } = await json<{ finished_at: string | null }>(
          server.get(`/v1/batch-evals/${runId}`),
        );
        if (finished_at !== null) break;
      }
      await checkAnswers(server, runId);
    }
    await server.stop();
    await checkStore(dataDir, runs);
  } finally {
    await server[Symbol.asyncDispose]();
  }
  console.log(`${kills} kills over ${runs.length} runs of ${RECORDS} records`);
});

/** `/readyz` may still answer for an engine that is dead already; then there is none to kill for a moment. */
async function killEngine(server: TestServer): Promise<void> {
  await until(() => childrenOf(server.process.pid).length > 0);
  const engine = enginePid(server);
  process.kill(engine, "SIGKILL");
  await until(() => !isAlive(engine));
  await untilReady(server);
}

async function kill(server: TestServer): Promise<void> {
  server.process.kill("SIGKILL");
  await server[Symbol.asyncDispose]();
}

/** What the finished run answers agrees with its records. */
async function checkAnswers(server: TestServer, runId: string): Promise<void> {
  const events = await untilFinished(server, runId);
  const run = await showRun(server, runId);
  const results = await allRecords(server, runId);
  assert.deepEqual(
    results.map(({ position }) => position),
    Array.from({ length: RECORDS }, (_, index) => index),
  );
  const completed = results.filter(({ status }) => status === "completed");
  assert.deepEqual(run.progress, {
    total: RECORDS,
    completed: completed.length,
    failed: RECORDS - completed.length,
  });
  const { summary } = await json<{ summary: { mean_scores: Record<string, number>; pass_rate: number } }>(
    server.get(`/v1/batch-evals/${runId}/result`),
  );
  const scores = completed.map(({ measurement }) => measurement?.scores[0]?.score ?? Number.NaN);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  assert.ok(Math.abs((summary.mean_scores["overall"] ?? Number.NaN) - mean) < 1e-4);
  const passed = results.filter((result) => result.passed).length;
  assert.equal(summary.pass_rate, Number((passed / RECORDS).toFixed(4)));
  // Numbered without gaps, and never going back, however often the server was another one in between.
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  );
  const done = events.map(({ data }) => data.progress.completed + data.progress.failed);
  assert.deepEqual(
    done,
    done.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(done).size, RECORDS + 1, "one event for every record");
}

/** What is stored agrees with itself: no attempt is unaccounted, none counts twice. */
async function checkStore(dataDir: string, runs: readonly string[]): Promise<void> {
  const store = new Store({ dataDir, databaseUrl: undefined, log: silentLog });
  try {
    const database = await store.database();
    const wrong = async (sql: string) => assert.deepEqual(await database.query(sql), []);
    await wrong("SELECT * FROM batch_attempts WHERE outcome IS NULL");
    await wrong("SELECT * FROM batch_attempts WHERE outcome = 'superseded'");
    await wrong(
      `SELECT run_id, position FROM batch_attempts GROUP BY run_id, position
       HAVING count(*) <> max(attempt) OR min(attempt) <> 1`,
    );
    await wrong(
      `SELECT run_id, position FROM batch_results LEFT JOIN batch_attempts USING (run_id, position, attempt)
       WHERE batch_attempts.outcome IS DISTINCT FROM batch_results.status`,
    );
    await wrong(
      `SELECT run_id, position, count(*) FROM batch_attempts WHERE outcome = 'completed'
       GROUP BY run_id, position HAVING count(*) > 1`,
    );
    await wrong(
      `SELECT run_id FROM batch_runs WHERE
         completed <> (SELECT count(*) FROM batch_results r WHERE r.run_id = batch_runs.run_id AND status = 'completed')
         OR failed <> (SELECT count(*) FROM batch_results r WHERE r.run_id = batch_runs.run_id AND status = 'failed')
         OR total <> completed + failed OR finished_at IS NULL`,
    );
    await wrong("SELECT name FROM pgboss.queue WHERE name LIKE 'batch-eval/%'");
    const outcomes = await database.query<{ outcome: string; count: number }>(
      "SELECT outcome, count(*) AS count FROM batch_attempts GROUP BY outcome ORDER BY outcome",
    );
    const failed = await database.query(
      "SELECT failure_code, count(*) FROM batch_results WHERE status = 'failed' GROUP BY 1",
    );
    console.log("attempts:", JSON.stringify(outcomes), "failed results:", JSON.stringify(failed));
    const [stored] = await database.query<{ count: number }>("SELECT count(*) AS count FROM batch_results");
    assert.equal(stored?.count, runs.length * RECORDS);
  } finally {
    await store.close();
  }
}
