import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TEST_MODEL } from "../support/model.ts";

const main = join(import.meta.dirname, "../../bench/main.ts");
const run = promisify(execFile);

test("the smoke scenario loads the real server and writes JSON, Markdown and SVG", async () => {
  const output = await mkdtemp(join(tmpdir(), "llm-server-bench-"));
  try {
    const args = [main, "smoke", "--model", TEST_MODEL, "--threads", "1", "--output", output];
    const { LLAMA_SERVER_BIN: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, args, { env, timeout: 120_000 });
    assert.match(stdout, /12 of 12 complete, 0 rejected, 0 failed/);
    const files = readdirSync(output);
    const json = files.find((name) => name.endsWith("-smoke.json"));
    assert.ok(
      json && files.some((name) => name.endsWith(".md")) && files.some((name) => name.endsWith(".svg")),
    );
    const report = JSON.parse(readFileSync(join(output, json), "utf8"));
    const [closed] = report.measurements;
    assert.equal(closed.figures.completed, 12);
    assert.ok(closed.figures.tokensPerSecond > 0);
    assert.ok(closed.figures.eventLoopDelayP99Ms > 0);
    assert.ok(closed.figures.maxResidentMib > 0);
  } finally {
    await rm(output, { recursive: true, force: true });
  }
});

test("an unknown scenario, flag or value ends with what is allowed", async () => {
  const failure = (...args: string[]) =>
    run(process.execPath, [main, ...args]).then(
      () => assert.fail("it succeeded"),
      (error: { code: number; stderr: string }) => error,
    );
  assert.match((await failure("nonsense")).stderr, /overload: .*\n/);
  assert.match((await failure("smoke", "--rounds", "zero")).stderr, /--rounds takes whole numbers from 1/);
  assert.match((await failure("smoke", "--side", "both2")).stderr, /ours, peer, both/);
});
