import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { architectures } from "../support/architectures/names.ts";
import tried from "../support/architectures/outcomes.json" with { type: "json" };
import { outcomesOf } from "../support/architectures/outcomes.ts";
import { MARKS, report, type Tried } from "../support/architectures/report.ts";

const known = tried as readonly Tried[];

test("docs/models.md lists what came of every architecture that llama.cpp names", () => {
  const page = readFileSync(new URL("../../docs/models.md", import.meta.url), "utf8");
  assert.ok(
    page.includes(`${MARKS[0]}\n${report(known, architectures)}\n${MARKS[1]}`),
    "npm run docs:architectures writes it",
  );
  const strange = known.filter(({ architecture }) => !architectures.includes(architecture));
  assert.deepEqual(strange, []);
});

/** All of them take 20 minutes; the ordinary run has one of each kind of memory (test/inference/architectures.test.ts). */
const named = (process.env["ARCHITECTURES"] ?? "").split(",").filter((name) => name !== "");

test("architectures come out as they are listed", {
  skip: named.length === 0 && "a campaign: ARCHITECTURES=all, or names with commas between them",
}, async () => {
  const wanted = named.includes("all") ? architectures : named;
  for (const architecture of wanted) {
    const { separate, shared } = await outcomesOf(architecture);
    const listed = known.find((one) => one.architecture === architecture);
    const types = [separate, shared].map(({ type }) => type);
    assert.deepEqual(types, [listed?.separate.type, listed?.shared.type], architecture);
  }
});
