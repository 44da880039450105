import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { RunSignals } from "../../../../src/features/evaluation/runs/signals.ts";

test("whoever waits is woken by a change of the run, and by nothing else", async () => {
  const signals = new RunSignals();
  const { signal } = new AbortController();
  let woken = 0;
  const waits = ["a", "a", "b"].map((runId) =>
    signals.next(runId, 2 ** 30, AbortSignal.any([signal])).then(() => woken++),
  );
  signals.changed("a");
  await Promise.all(waits.slice(0, 2));
  assert.equal(woken, 2);
  signals.changed("b");
  await Promise.all(waits);
});

test("a follower that has waited often leaves nothing behind on its signal", async () => {
  const signals = new RunSignals();
  const controller = new AbortController();
  for (let wait = 0; wait < 20; wait++) await signals.next("a", 0, controller.signal);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  const waiting = signals.next("a", 2 ** 30, controller.signal);
  controller.abort();
  await waiting;
});
