import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Changes } from "../../../src/platform/jobs/changes.ts";

test("a waiter is woken by a change of its own thing, and by nothing else", async () => {
  const changes = new Changes();
  const { signal } = new AbortController();
  let woken = 0;
  const waits = ["a", "a", "b"].map((id) =>
    changes.next(id, 2 ** 30, AbortSignal.any([signal])).then(() => woken++),
  );
  changes.changed("a");
  await Promise.all(waits.slice(0, 2));
  assert.equal(woken, 2);
  changes.changed("b");
  await Promise.all(waits);
});

test("a follower that has waited often leaves nothing behind on its signal", async () => {
  const changes = new Changes();
  const controller = new AbortController();
  for (let wait = 0; wait < 20; wait++) await changes.next("a", 0, controller.signal);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  const waiting = changes.next("a", 2 ** 30, controller.signal);
  controller.abort();
  await waiting;
});
