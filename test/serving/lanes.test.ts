import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  Engine,
  GenerationContext,
  GenerationEvent,
  GenerationRequest,
} from "../../src/inference/engine.ts";
import { LanedEngine } from "../../src/serving/lanes.ts";
import { continuing } from "../support/in-process-engine.ts";

/** An engine whose generations end when the test says so: what is tested is who is let in, and when. */
class HeldEngine implements Pick<Engine, "generate" | "describe" | "state"> {
  readonly state = { status: "ready" } as const;
  readonly running: Array<{ readonly context: GenerationContext; readonly end: () => void }> = [];

  describe() {
    return { sequences: 4 } as ReturnType<Engine["describe"]>;
  }

  async *generate(
    _request: GenerationRequest,
    context: GenerationContext = {},
  ): AsyncIterable<GenerationEvent> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry = { context, end: resolve };
    this.running.push(entry);
    yield { type: "text", text: "a" };
    await promise;
    this.running.splice(this.running.indexOf(entry), 1);
  }
}

async function drain(events: AsyncIterable<GenerationEvent>): Promise<void> {
  for await (const _ of events);
}

/** Lets everything happen that can happen without time passing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function lanesOver(engine: HeldEngine): LanedEngine {
  return new LanedEngine(engine as unknown as Engine);
}

test("batch work runs in three quarters of the sequences, the rest of it waits outside the engine", async () => {
  const engine = new HeldEngine();
  const lanes = lanesOver(engine);
  const done = Array.from({ length: 5 }, () => drain(lanes.generate(continuing("a"), { lane: "batch" })));
  await settle();
  assert.equal(engine.running.length, 3);
  assert.ok(engine.running.every(({ context }) => context.lane === "batch"));
  engine.running[0]?.end();
  await settle();
  assert.equal(engine.running.length, 3);
  while (engine.running.length > 0) {
    engine.running[0]?.end();
    await settle();
  }
  await Promise.all(done);
});

test("while an interactive request runs, batch work begins one at a time", async () => {
  const engine = new HeldEngine();
  const lanes = lanesOver(engine);
  const interactive = drain(lanes.generate(continuing("a")));
  const batch = Array.from({ length: 3 }, () => drain(lanes.generate(continuing("b"), { lane: "batch" })));
  await settle();
  assert.deepEqual(
    engine.running.map(({ context }) => context.lane ?? "interactive"),
    ["interactive", "batch"],
  );
  engine.running[0]?.end();
  await interactive;
  await settle();
  assert.equal(engine.running.length, 3);
  for (const { end } of [...engine.running]) end();
  await Promise.all(batch);
});

test("batch work that is given up while it waits lets others pass", async () => {
  const engine = new HeldEngine();
  const lanes = lanesOver(engine);
  const first = Array.from({ length: 3 }, () => drain(lanes.generate(continuing("a"), { lane: "batch" })));
  const controller = new AbortController();
  const given = drain(lanes.generate(continuing("gone"), { lane: "batch", signal: controller.signal }));
  const last = drain(lanes.generate(continuing("last"), { lane: "batch" }));
  await settle();
  controller.abort();
  await settle();
  while (engine.running.length > 0) {
    engine.running[0]?.end();
    await settle();
  }
  await Promise.all([...first, given, last]);
});
