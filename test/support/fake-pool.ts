import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { UnavailableError } from "../../src/errors.ts";
import { ModelPool } from "../../src/serving/model-pool.ts";
import type { ModelPolicy, PooledModel } from "../../src/serving/pooled-model.ts";

export const LOAD_MS = 100;
export const MAX_WAIT_MS = 10_000;

/** Takes time and no memory: what is tested is who gets memory when, which a real model would only make slow. */
class FakeModel implements PooledModel {
  readonly name: string;
  readonly policy: ModelPolicy;
  readonly bytesNeeded: number;
  readonly refusal = new UnavailableError("loading_model", "not yet");
  progress = 0;
  isLoaded = false;
  isBroken = false;
  loads = 0;
  failure: Error | undefined;
  readonly #onChange: () => void;

  constructor(name: string, bytes: number, policy: Partial<ModelPolicy>, onChange: () => void) {
    this.name = name;
    this.bytesNeeded = bytes;
    this.policy = {
      isPinned: false,
      keepAliveMs: Infinity,
      minLoadedMs: 0,
      maySwap: true,
      priority: 0,
      ...policy,
    };
    this.#onChange = onChange;
  }

  async prepare(): Promise<void> {}

  async load(signal: AbortSignal): Promise<void> {
    this.isLoaded = true;
    this.isBroken = false;
    this.loads++;
    this.#onChange();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => (this.failure === undefined ? resolve() : reject(this.failure)),
        LOAD_MS,
      );
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }).catch((error: unknown) => {
      this.isLoaded = false;
      throw error;
    });
  }

  close(): Promise<void> {
    return this.unload();
  }

  async unload(): Promise<void> {
    this.isLoaded = false;
    this.#onChange();
  }
}

export interface Shape {
  readonly bytes: number;
  readonly policy?: Partial<ModelPolicy>;
}

/** A pool with 100 bytes to give, on a clock that the test moves. */
export function poolOf(
  t: Pick<TestContext, "mock">,
  shapes: Readonly<Record<string, Shape>>,
  maxWaiting = 100,
) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const taken = () => models.reduce((sum, model) => sum + (model.isLoaded ? model.bytesNeeded : 0), 0);
  const models: FakeModel[] = Object.entries(shapes).map(
    ([name, { bytes, policy = {} }]) =>
      new FakeModel(name, bytes, policy, () => assert.ok(taken() <= 100, "memory is over-committed")),
  );
  const pool = new ModelPool({
    models,
    memory: { budget: 100, available: () => 100 - taken() },
    maxWaitMs: MAX_WAIT_MS,
    maxWaiting,
    clock: () => Date.now(),
    log: { info: () => {}, warn: () => {} },
  });
  const model = (name: string) => {
    const found = models.find((candidate) => candidate.name === name);
    assert.ok(found);
    return found;
  };
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    pool,
    models,
    model,
    lease: (name: string, keepAliveMs?: number, signal = new AbortController().signal) =>
      pool.lease(model(name), { signal, keepAliveMs }),
    async pass(ms: number) {
      // In small steps, since what a timer starts sets the next one.
      await settle();
      for (let passed = 0; passed < ms; passed += 50) {
        t.mock.timers.tick(50);
        await settle();
      }
    },
  };
}
