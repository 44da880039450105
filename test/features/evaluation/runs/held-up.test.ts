import assert from "node:assert/strict";
import { test } from "node:test";
import { Attempts } from "../../../../src/features/evaluation/runs/attempts.ts";
import { Dispatcher } from "../../../../src/features/evaluation/runs/dispatcher.ts";
import type { Run } from "../../../../src/features/evaluation/runs/run.ts";
import { findRun, insertRun } from "../../../../src/features/evaluation/runs/run-table.ts";
import { Changes } from "../../../../src/platform/jobs/changes.ts";
import { JobQueue } from "../../../../src/platform/jobs/queue.ts";
import { Store } from "../../../../src/platform/store/database.ts";
import { until } from "../../../support/server.ts";
import { silentLog } from "../../../support/silent-log.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("a run whose server went away says so, and is taken up by another one", async (context) => {
  const store = new Store({
    dataDir: await temporaryDirectory(context),
    databaseUrl: undefined,
    log: silentLog,
  });
  const queue = new JobQueue({ store, name: "batch-eval", log: silentLog });
  const dispatcher = new Dispatcher({
    store,
    queue,
    attempts: new Attempts(store, queue),
    changes: new Changes(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    recordAt: async () => undefined,
    evaluate: async () => assert.fail("no record is reached"),
    // A model that is loaded and another than the run's; loading two would show no more.
    model: {
      awaited: () => undefined,
      obstacle: async () => "the run is of another model",
      fileHash: async () => "",
    },
  });
  try {
    context.mock.timers.enable({ apis: ["setInterval"] });
    await dispatcher.recover();
    const database = await store.database();
    const plan = { request: { dataset_id: "d" }, provenance: { judge: null }, total: 1 } as unknown as Run;
    const run = await insertRun(database, { ...plan, runId: "run_left" });
    assert.equal(dispatcher.heldUpBy(run), null, "its server may be about to take it up");

    await database.query("UPDATE batch_runs SET updated_at = now() - interval '2 minutes'");
    const left = await findRun(database, "run_left");
    assert.match(left === undefined ? "" : (dispatcher.heldUpBy(left) ?? ""), /^no server works on this run/);

    context.mock.timers.tick(15_000);
    await until(async () => (await findRun(database, "run_left"))?.status === "paused");
    assert.equal((await findRun(database, "run_left"))?.statusReason, "the run is of another model");
  } finally {
    await dispatcher.stop();
    await store.close();
  }
});
