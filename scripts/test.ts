/** Runs the tests named on the command line, or all of them, and ends with a line that counts them. */
import { globSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { TestFile } from "./test-file.ts";

/** More than two processors can work on: many tests wait, for a process to start or for a time to pass. */
const CONCURRENCY = 3;
/** Longest time that a test may take on a machine that has a processor for everything that wants one. */
const LIMIT_SECONDS = 180;
const SLOWEST_SHOWN = 15;

const names = process.argv.slice(2);
const files = names.length > 0 ? names : globSync("test/**/*.test.ts");
// Those that are named may be campaigns of many rounds.
const limitSeconds = names.length > 0 ? Number.POSITIVE_INFINITY : LIMIT_SECONDS;

const running = new Set<TestFile>();
const total = { passed: 0, failed: 0, skipped: 0 };
const durations: Array<{ readonly path: string; readonly seconds: number }> = [];
const failures: Array<{ readonly path: string; readonly why: string }> = [];

// A second counts for the share of it that a process gets while more of them want to run than there are processors.
const timer = setInterval(() => {
  const share = Math.min(1, cpus().length / (loadavg()[0] ?? 0));
  for (const file of running) file.spend(share, limitSeconds);
}, 1_000);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const file of running) file.kill();
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

async function runAll(waiting: Iterator<string>): Promise<void> {
  for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
    const file = new TestFile(next.value, files.length === 1);
    running.add(file);
    const { passed, failed, skipped, output, seconds } = await file.ended();
    process.stdout.write(output);
    running.delete(file);
    durations.push({ path: file.path, seconds });
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    if (failed > 0) failures.push({ path: file.path, why: failuresIn(output.toString()) });
  }
}

/** What a file's report says of its failures, which comes last in it. */
function failuresIn(output: string): string {
  return output.slice(Math.max(0, output.lastIndexOf("✖ failing tests:")));
}

/** The files that take longest: where the suite can be made quicker. */
function slowest(): string {
  const longest = durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  return ["Slowest files:", ...longest.map(({ path, seconds }) => `  ${seconds.toFixed(1)} s  ${path}`)].join(
    "\n",
  );
}

const waiting = files.values();
await Promise.all(Array.from({ length: CONCURRENCY }, () => runAll(waiting)));
clearInterval(timer);
if (names.length === 0) console.log(slowest());
// Again where a reader looks first: hundreds of files may have been reported since.
if (files.length > 1) for (const { why } of failures) console.log(why);
if (failures.length > 0) console.log(`Failed: ${failures.map(({ path }) => path).join(" ")}`);
const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
