import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { records, showRun } from "../support/batch-evals.ts";
import { BUILTIN } from "../support/model.ts";
import { type OnOutput, type Run, run } from "../support/run.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let file: string;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN } });
  file = join(server.directory, "sums.jsonl");
  await writeFile(
    file,
    records(6)
      .map((record) => JSON.stringify(record))
      .join("\n"),
  );
});
after(() => server[Symbol.asyncDispose]());

/** Ctrl-C, when a command has said this. */
function interruptAt(said: RegExp): OnOutput {
  let isDone = false;
  return (output, child) => {
    if (isDone || !said.test(output)) return;
    isDone = true;
    child.kill("SIGINT");
  };
}

function evaluate(...args: string[]): Promise<Run> {
  return run(server.directory, {}, ["eval", ...args, "--url", server.url]);
}

test("a file is uploaded, evaluated and reported, and the exit code is the verdict", async () => {
  const junit = join(server.directory, "report.xml");
  const csv = join(server.directory, "results.csv");
  const good = await evaluate(
    file,
    ...["--metrics", "token_f1", "--criteria", "overall", "--threshold", "overall=1"],
    ...["--fail-under", "1", "--junit", junit, "--export", csv],
  );
  assert.equal(good.exitCode, 0, good.output);
  assert.match(good.output, /uploaded .*sums\.jsonl as ds_/);
  assert.match(good.output, /overall +\d/);
  assert.match(good.output, /token_f1 +\d/);
  assert.match(good.output, /pass rate +100\.0 %/);
  const report = await readFile(junit, "utf8");
  assert.match(report, /<testsuites [^>]*tests="6" failures="0" errors="0"/);
  assert.equal(report.match(/<testcase /g)?.length, 6);
  assert.equal((await readFile(csv, "utf8")).trimEnd().split("\r\n").length, 7);
});

test("figures under what was asked for end with 3 and are named", async () => {
  const bad = await evaluate(file, "--fail-under", "overall=11");
  assert.equal(bad.exitCode, 3, bad.output);
  assert.match(bad.output, /overall is [\d.]+, under 11/);
});

test("a file of multiple-choice questions is answered by likelihood, one of texts measured", async () => {
  const questions = join(server.directory, "questions.jsonl");
  const expected = { choices: ["blue", "green"], answer: 0 };
  await writeFile(questions, JSON.stringify({ prompt: "The sky is", reference: "blue", expected }));
  const chosen = await evaluate(questions, "--task", "multiple_choice", "--fail-under", "acc=0");
  assert.equal(chosen.exitCode, 0, chosen.output);
  assert.match(chosen.output, /acc_norm +[01] /);
  const measured = await evaluate(questions, "--task", "likelihood", "--fail-under", "perplexity=0.5");
  assert.equal(measured.exitCode, 3, measured.output);
  assert.match(measured.output, /perplexity is [\d.]+, over 0.5/);
});

test("files that are not there are noticed before anything is begun", async () => {
  for (const [args, said] of [
    [["nowhere.jsonl"], /no file nowhere\.jsonl/],
    [[server.directory], /is not a file/],
    [[file, "--instructions", "nowhere.txt"], /nowhere\.txt/],
    [[file, "--junit", "nowhere/report.xml"], /no folder nowhere/],
  ] as const) {
    const { exitCode, output } = await evaluate(...args);
    assert.equal(exitCode, 1, output);
    assert.match(output, said);
    assert.doesNotMatch(output, /uploaded/);
  }
});

test("what can't be done ends with 1 and says why, wrong usage with 2", async () => {
  const unknown = await evaluate("ds_none");
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.output, /no dataset "?ds_none/i);
  const usage = await evaluate(file, "--criteria", "charm");
  assert.equal(usage.exitCode, 2);
  assert.match(usage.output, /charm is none of accuracy/);
});

test("an interrupted run is paused, and the server that was started for it ends", async () => {
  const long = join(server.directory, "long.jsonl");
  await writeFile(
    long,
    records(500)
      .map((record) => JSON.stringify(record))
      .join("\n"),
  );
  const env = { MODEL_NAME: BUILTIN, DATA_DIR: join(server.directory, "interrupted") };
  const there = await run(
    server.directory,
    env,
    ["eval", long, "--url", server.url],
    interruptAt(/^run run_/m),
  );
  assert.equal(there.exitCode, 130, there.output);
  const runId = /run (run_\w+)/.exec(there.output)?.[1] ?? "";
  assert.equal((await showRun(server, runId)).status, "paused");
  const own = await run(server.directory, env, ["eval", long], interruptAt(/^run run_/m));
  assert.equal(own.exitCode, 130, own.output);
  assert.match(own.output, /The run is paused: POST .*resume/);
  // The data directory is free again.
  await using next = await startServer({ env });
  const id = /run (run_\w+)/.exec(own.output)?.[1] ?? "";
  assert.equal((await showRun(next, id)).status, "paused");
});

test("without a server one is started for the run", async () => {
  const alone = await run(
    server.directory,
    { MODEL_NAME: BUILTIN, DATA_DIR: join(server.directory, "own") },
    ["eval", file, "--metrics", "exact_match"],
  );
  assert.equal(alone.exitCode, 0, alone.output);
  assert.match(alone.output, /pass rate/);
});
