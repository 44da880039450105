import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cacheStops } from "../../src/inference/cache-report.ts";
import { classDefinitions, partDefinitions, stopDefinitions } from "../../src/telemetry/glossary.ts";
import { latencyPartNames } from "../../src/telemetry/latency-parts.ts";
import { limiterClasses } from "../../src/telemetry/verdict.ts";

const page = readFileSync(new URL("../../docs/instruments.md", import.meta.url), "utf8");

test("every part has one definition and a class, and every class a row in the docs", () => {
  assert.deepEqual(
    partDefinitions.map(({ name }) => name),
    [...latencyPartNames],
  );
  const meanings = partDefinitions.map(({ meaning }) => meaning);
  assert.equal(new Set(meanings).size, meanings.length);
  for (const meaning of meanings) assert.match(meaning, /^[A-Z].*[^.]\.$/);
  const names = classDefinitions.map(({ name }): string => name);
  assert.deepEqual(names, [...limiterClasses]);
  const known = new Set<string>(names);
  for (const part of partDefinitions) assert.ok(known.has(part.class), part.name);
  for (const name of names) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test("every reason for which the cache stops has a definition, and a row in the docs", () => {
  assert.deepEqual(
    stopDefinitions.map(({ name }) => name),
    [...cacheStops],
  );
  for (const { name, meaning } of stopDefinitions) {
    assert.match(meaning, /^[A-Z].*\.$/);
    assert.match(page, new RegExp(`^\\| .*\`${name}\`.* \\|`, "m"));
  }
});
