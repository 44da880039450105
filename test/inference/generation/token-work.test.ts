import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenWork } from "../../../src/inference/generation/token-work.ts";

const LONG = 10_000;

test("long texts take turns, short ones don't wait, and clients that left are passed over", async () => {
  const work = new TokenWork();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const run = (name: string, size: number, signal?: AbortSignal, until = Promise.resolve()) =>
    work.run(size, signal, async () => {
      begun.push(name);
      await until;
      return name;
    });
  const leaving = new AbortController();
  const running = run("first", LONG, undefined, first.promise);
  const left = run("left", LONG, leaving.signal);
  const next = run("next", LONG);
  assert.equal(await run("short", 10), "short");
  leaving.abort();
  first.resolve();
  assert.equal(await running, "first");
  await assert.rejects(left, { name: "AbortError" });
  assert.equal(await next, "next");
  assert.deepEqual(
    begun.filter((name) => name !== "short"),
    ["first", "next"],
  );
});

test("more long texts than may wait are refused at once, and a failed one holds up none", async () => {
  const work = new TokenWork();
  const first = Promise.withResolvers<void>();
  const held = work.run(LONG, undefined, () => first.promise);
  await Promise.resolve();
  const waiting = Array.from({ length: 32 }, (_, index) =>
    work.run(LONG, undefined, async () => {
      if (index === 0) throw new Error("bad");
      return index;
    }),
  );
  await assert.rejects(
    work.run(LONG, undefined, async () => 0),
    { reason: "queue_full" },
  );
  first.resolve();
  await held;
  const outcomes = await Promise.allSettled(waiting);
  assert.equal(outcomes.filter(({ status }) => status === "rejected").length, 1);
  assert.equal(await work.run(LONG, undefined, async () => "free"), "free");
});
