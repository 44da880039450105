import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearsalRequests } from "../../../src/assistant/rehearsal.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { BUILTIN } from "../../support/model.ts";

const request = continuing("The printer is");

test("a rehearsal leaves nothing behind: no token in the cache, nothing counted, the same answer afterwards", async () => {
  const [expected] = await new InProcessEngine({ modelPath: BUILTIN }).run([request]);
  const rehearsed = new InProcessEngine({ modelPath: BUILTIN });
  await rehearsed.core.rehearse(rehearsalRequests());
  assert.ok(rehearsed.core.scheduler.cache.isEmpty);
  rehearsed.core.scheduler.checkIntegrity();
  assert.deepEqual(await rehearsed.run([request]), [expected]);
});

test("a request that comes during a rehearsal breaks it off", async () => {
  const [expected] = await new InProcessEngine({ modelPath: BUILTIN }).run([request]);
  const engine = new InProcessEngine({ modelPath: BUILTIN });
  const rehearsal = engine.core.rehearse(rehearsalRequests());
  // Until it is under way: its tokens are in the context, and not in the scheduler's books.
  while (isConsistent(engine)) await new Promise(setImmediate);
  assert.deepEqual(await engine.run([request]), [expected]);
  await rehearsal;
  engine.core.scheduler.checkIntegrity();
});

test("an engine that holds something does not rehearse", async () => {
  const engine = new InProcessEngine({ modelPath: BUILTIN });
  await engine.run([request]);
  const before = engine.core.scheduler.cache.slots.map(({ tokens }) => [...tokens]);
  await engine.core.rehearse(rehearsalRequests());
  assert.deepEqual(
    engine.core.scheduler.cache.slots.map(({ tokens }) => [...tokens]),
    before,
  );
  engine.core.scheduler.checkIntegrity();
});

function isConsistent({ core }: InProcessEngine): boolean {
  try {
    core.scheduler.checkIntegrity();
    return true;
  } catch {
    return false;
  }
}
