/** Runs the tests named on the command line, or all of them, and ends with a line that counts them. */
import { globSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const names = process.argv.slice(2);
const files = names.length > 0 ? names : globSync("test/**/*.test.ts");

let passed = 0;
let failed = 0;
let skipped = 0;
// Those that are named may be campaigns of many rounds.
const timeout = names.length > 0 ? Number.POSITIVE_INFINITY : 180_000;
// Two at a time: most tests start a server with compute threads of its own.
const events = run({ files, concurrency: 2, timeout });
events.on("test:pass", ({ details, skip }) => {
  if (details.type === "suite") return;
  if (skip === undefined) passed++;
  else skipped++;
});
events.on("test:fail", ({ details }) => {
  if (details.type !== "suite") failed++;
});
events.on("end", () => {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
});
events.compose(spec).pipe(process.stdout, { end: false });
