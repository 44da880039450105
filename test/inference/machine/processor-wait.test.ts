import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ProcessorWait } from "../../../src/inference/machine/processor-wait.ts";

/** Two compute threads and one of Node's own, in files as Linux has them; `run` is one step. */
function machine(tasks: string) {
  let now = 0;
  let used = 0;
  const write = (task: number, name: string, waitedMs: number) => {
    mkdirSync(join(tasks, String(task)), { recursive: true });
    writeFileSync(join(tasks, String(task), "comm"), name);
    writeFileSync(join(tasks, String(task), "schedstat"), `1000 ${waitedMs * 1e6} 7\n`);
  };
  const waits = (main: number, other: number) => {
    write(process.pid, "engine", main);
    write(1, "engine", other);
    write(2, "libuv-worker", 500);
  };
  waits(0, 0);
  const wait = new ProcessorWait({ clock: () => now, computing: () => 2, usedMs: () => used, tasks });
  const run = (step: { ms: number; usedMs: number }) => {
    wait.begin();
    now += step.ms;
    used += step.usedMs;
    return wait.end();
  };
  return { run, waits };
}

test("what compute threads waited for a processor is told where they used less than they had", () => {
  const tasks = mkdtempSync(join(tmpdir(), "tasks-"));
  try {
    const { run, waits } = machine(tasks);
    waits(3, 1);
    assert.deepEqual(run({ ms: 10, usedMs: 19.5 }), { longestMs: 0, totalMs: 0 }, "nothing is missing");
    assert.deepEqual(run({ ms: 10, usedMs: 16 }), { longestMs: 3, totalMs: 4 });
    waits(23, 1);
    assert.deepEqual(run({ ms: 10, usedMs: 15 }), { longestMs: 5, totalMs: 5 }, "the rest is older");
    assert.deepEqual(
      run({ ms: 10, usedMs: 12 }),
      { longestMs: 0, totalMs: 0 },
      "missing, but not waited for",
    );
  } finally {
    rmSync(tasks, { recursive: true });
  }
});

test("where the system lists no threads nothing is told", () => {
  const tasks = join(tmpdir(), "there-is-none");
  const wait = new ProcessorWait({ clock: Date.now, computing: () => 2, usedMs: () => 0, tasks });
  wait.begin();
  assert.deepEqual(wait.end(), { longestMs: 0, totalMs: 0 });
});
