import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

test("the tests that docs/security.md names are there", () => {
  const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  const named = rows.flatMap((row) =>
    [...row.matchAll(/`([a-z][a-z-]*\/[a-z/-]+)`/g)].map(([, name = ""]) => name),
  );
  const tests = [...new Set(named)].filter((name) => name !== "application/json");
  assert.ok(tests.length > 15);
  const missing = tests.filter((name) => !existsSync(new URL(`../${name}.test.ts`, import.meta.url)));
  assert.deepEqual(missing, []);
});
