import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions, UsageError } from "../../../src/commands/eval/options.ts";

test("what is not said is left to the server, and an answer is judged as a whole", () => {
  const options = parseOptions(["ds_1"]);
  assert.deepEqual(options.criteria, ["overall"]);
  assert.equal(options.concurrency, undefined);
  assert.deepEqual(parseOptions(["ds_1", "--metrics", "exact_match"]).criteria, []);
});

test("limits are of the pass rate, or of what they name", () => {
  const { failUnder } = parseOptions(["ds_1", "--fail-under", "0.8", "--fail-under", "overall=7"]);
  assert.deepEqual(failUnder, [
    { name: undefined, least: 0.8 },
    { name: "overall", least: 7 },
  ]);
});

for (const args of [
  [],
  ["a", "b"],
  ["a", "--criteria", "charm"],
  ["a", "--metrics", "bleu"],
  ["a", "--fail-under", "80"],
  ["a", "--fail-under", "x"],
  ["a", "--concurrency", "0"],
  ["a", "--export", "out.xlsx"],
  ["a", "--task", "guess"],
  ["a", "--fail-under", "token_f1=0.5"],
  ["a", "--threshold", "overall"],
  ["a", "--threshold", "clarity=7"],
  ["a", "--task", "multiple_choice", "--fail-under", "overall=7"],
  ["a", "--task", "agent"],
  ["a", "--task", "agent", "--agent", "agent_1"],
  ["a", "--agent", "agent_1", "--url", "http://localhost:8000"],
  ["a", "--unknown"],
]) {
  test(`refuses ${JSON.stringify(args)}`, () => {
    assert.throws(() => parseOptions(args), UsageError);
  });
}
