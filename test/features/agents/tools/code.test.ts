import assert from "node:assert/strict";
import { test } from "node:test";
import { noteCall } from "../../../../src/features/agents/repetition.ts";
import { calculate } from "../../../../src/features/agents/tools/calculator.ts";
import { runCode } from "../../../../src/features/agents/tools/code.ts";
import { capped } from "../../../../src/features/agents/tools/output.ts";

const { signal } = new AbortController();
/** Enough on any machine: only what is to run out of time does. */
const PATIENT_MS = 60_000;
const run = (code: string) => runCode(code, signal, PATIENT_MS);

test("code computes, and says what is wrong with it", async () => {
  assert.equal(await run("console.log('a', {b: 1}); [1, 2, 3].map((x) => x * x)"), 'a {"b":1}\n[1,4,9]');
  await assert.rejects(run("nothing()"), /ReferenceError: .*nothing/);
  await assert.rejects(run("let x = ;"), /SyntaxError/);
});

test("code has nothing of Node's, and ends with its time, its memory and its output", async () => {
  assert.equal(
    await run(
      "[typeof process, typeof require, typeof fetch, typeof setTimeout, typeof globalThis.Deno].join()",
    ),
    "undefined,undefined,undefined,undefined,undefined",
  );
  const outcomes = await Promise.allSettled([
    runCode("for (;;) {}", signal, 2_000),
    run("const all = []; for (;;) all.push(new Uint8Array(1e6))"),
    run("console.log('x'.repeat(2e6))"),
    run("(function f() { f() })()"),
  ]);
  const messages = outcomes.map((each) =>
    each.status === "rejected" ? String(each.reason.message) : each.value,
  );
  assert.match(messages[0] ?? "", /more than 2 seconds/);
  assert.match(messages[1] ?? "", /out of memory|more memory/);
  assert.match(messages[2] ?? "", /wrote too much/);
  assert.match(messages[3] ?? "", /stack|InternalError|recursion/i);
});

test("the calculator knows the order of operations", () => {
  for (const [expression, value] of [
    ["1 + 2 * 3", 7],
    ["-2 ^ 2", -4],
    ["2 ^ 3 ^ 2", 512],
    ["(1.5e3 + .5) / 3", 500.166666666667],
    ["sqrt(16) + abs(-3) % 2", 5],
    ["2 * -3", -6],
    ["cos(pi)", -1],
  ] as const)
    assert.equal(calculate(expression), value, expression);
  for (const wrong of ["", "1 +", "2 2", "(1", "x", "sqrt 4", "1 / 0", "constructor(1)", "(".repeat(200)])
    assert.throws(() => calculate(wrong), { code: "invalid_request" }, wrong);
});

test("an output that is too long is cut in its middle, to what the model may have", async () => {
  const countTokens = async (text: string) => Math.ceil(text.length / 4);
  const readOn = (offset: number) => `; read_output with call_id "call_1" and offset ${offset} reads on`;
  const limit = { maxTokens: 100, contextWindow: 4_000, countTokens, readOn };
  assert.deepEqual(await capped("short", limit), { text: "short", isCut: false });
  assert.equal((await capped("x".repeat(390), limit)).isCut, false);
  const { text, isCut } = await capped(`begin${"x".repeat(100_000)}end`, limit);
  assert.ok(isCut);
  assert.match(
    text,
    /^begin.*\n\[… 99608 characters left out; read_output with call_id "call_1" and offset 280 .*\]\nx+end$/s,
  );
  // A quarter of a small window is less than the limit.
  const { text: small } = await capped("x".repeat(10_000), { ...limit, contextWindow: 200 });
  assert.ok(small.length < 350, `${small.length} characters`);
});

test("cycles of calls with the same results are found, and polling with new ones is not one", () => {
  const verdicts = (digests: readonly string[]) => {
    let recent: readonly string[] = [];
    return digests.map((digest) => {
      const noted = noteCall(recent, digest);
      recent = noted.recent;
      return noted.verdict;
    });
  };
  assert.deepEqual(verdicts(["a", "a", "a", "a", "a"]), ["none", "none", "told", "told", "ended"]);
  assert.equal(verdicts("abab".repeat(3).split("")).at(-1), "ended");
  assert.equal(verdicts("abcdabcdabcdabcdabcd".split("")).at(-1), "ended");
  assert.ok(verdicts(["a", "b", "c", "d", "e", "f"]).every((verdict) => verdict === "none"));
});
