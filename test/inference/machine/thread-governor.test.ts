import assert from "node:assert/strict";
import { test } from "node:test";
import { ThreadGovernor } from "../../../src/inference/machine/thread-governor.ts";

/** Processes that compute without pause, and a step's work in milliseconds of one undisturbed thread. */
interface Setting {
  readonly neighbours: number;
  readonly stepMs?: number;
}

/**
 * A machine whose threads spin at barriers: a step advances only while all of its threads run at once. Time is the
 * test's.
 */
class Machine {
  #now = 0;
  #load: { machineMs: number; ownMs: number };
  readonly cores: number;
  readonly governor: ThreadGovernor;
  limit: number;
  /** Processors' time of a cluster's other tenants, on cores that this process may not use up. */
  elsewhere = 0;

  constructor(cores: number, processors = cores) {
    this.cores = processors;
    this.limit = cores;
    this.#load = { machineMs: 0, ownMs: 0 };
    this.governor = new ThreadGovernor(cores, () => ({
      processors,
      limit: this.limit,
      yieldingMs: 0,
      ...this.#load,
    }));
    this.governor.look(0);
  }

  /** Share of the time in which all of `threads` run at once. */
  togetherShare(threads: number, neighbours: number): number {
    const free = this.cores - this.elsewhere - neighbours;
    return threads <= free ? 1 : (this.cores / (neighbours + threads)) ** Math.min(threads, 4);
  }

  stepMs(threads: number, { neighbours, stepMs = 20 }: Setting): number {
    return stepMs / threads / Math.min(1, this.togetherShare(threads, neighbours));
  }

  /** Runs steps for `seconds`; returns the work done, in milliseconds of one undisturbed thread. */
  run(seconds: number, setting: Setting): number {
    const end = this.#now + seconds * 1000;
    let done = 0;
    while (this.#now < end) {
      this.governor.look(this.#now);
      const { threads } = this.governor;
      const ms = this.stepMs(threads, setting);
      const own = Math.min(threads, (this.cores * threads) / (threads + setting.neighbours));
      this.#pass(ms, own, Math.min(setting.neighbours, this.cores - own));
      const undisturbedMs = this.stepMs(threads, { ...setting, neighbours: 0 });
      const work = setting.stepMs ?? 20;
      this.governor.observe(this.#now, { ms, work, waitedMs: ms - undisturbedMs });
      done += work;
    }
    return done;
  }

  /** Lets `seconds` pass without steps. */
  rest(seconds: number, neighbours: number): void {
    for (let look = 0; look < seconds * 4; look++) {
      this.#pass(250, 0, Math.min(neighbours, this.cores));
      this.governor.look(this.#now);
    }
  }

  #pass(ms: number, own: number, others: number): void {
    this.#now += ms;
    this.#load.ownMs += own * ms;
    this.#load.machineMs += (own + others + this.elsewhere) * ms;
  }
}

test("a machine of its own gives every core", () => {
  const machine = new Machine(4);
  machine.run(5, { neighbours: 0 });
  assert.equal(machine.governor.threads, 4);
});

for (const cores of [1, 2, 4, 16]) {
  for (const neighbours of [0, 1, 2, 4, 8, 30]) {
    for (const stepMs of [1, 20, 400]) {
      test(`${cores} cores, ${neighbours} neighbours, steps of ${stepMs} ms: nearly as fast as the best fixed count`, () => {
        const machine = new Machine(cores);
        machine.run(10, { neighbours: 0, stepMs });
        machine.run(2, { neighbours, stepMs });
        const seconds = 60 + 10 * stepMs;
        const work = machine.run(seconds, { neighbours, stepMs });
        const counts = Array.from({ length: cores }, (_, index) => index + 1);
        const best = Math.max(
          ...counts.map(
            (threads) => (seconds * 1000 * stepMs) / machine.stepMs(threads, { neighbours, stepMs }),
          ),
        );
        assert.ok(work >= 0.9 * best, `${work} of ${best} with ${machine.governor.threads} threads`);
      });
    }
  }
}

test("when the neighbours leave, every core is used again within a second", () => {
  const machine = new Machine(2);
  machine.run(20, { neighbours: 8 });
  assert.equal(machine.governor.threads, 1);
  machine.run(1, { neighbours: 0 });
  assert.equal(machine.governor.threads, 2);
});

test("neighbours that come while no step runs are met with fewer threads from the first step on", () => {
  const machine = new Machine(2);
  machine.rest(2, 0);
  machine.rest(1, 8);
  assert.equal(machine.governor.threads, 1);
  machine.rest(1, 0);
  assert.equal(machine.governor.threads, 2);
});

test("a container's limit holds, also when it changes", () => {
  const machine = new Machine(4);
  machine.limit = 2;
  machine.run(5, { neighbours: 0 });
  assert.equal(machine.governor.threads, 2);
  machine.limit = 4;
  machine.run(20, { neighbours: 0 });
  assert.equal(machine.governor.threads, 4);
});

test("what others use of a large machine takes nothing from a container with a quota", () => {
  const machine = new Machine(2, 64);
  machine.elsewhere = 40;
  machine.limit = 2;
  machine.run(5, { neighbours: 0 });
  assert.equal(machine.governor.threads, 2);
});

test("after a pause the first look is not a reason to change", () => {
  const machine = new Machine(2);
  machine.run(1, { neighbours: 0 });
  machine.governor.look(1e6);
  assert.equal(machine.governor.threads, 2);
});

test("neighbours that no step waits for are no reason to try fewer threads", () => {
  const machine = new Machine(2);
  machine.elsewhere = 0.45;
  for (let step = 0; step < 1000; step++) {
    machine.run(0.05, { neighbours: 0 });
    assert.equal(machine.governor.threads, 2);
  }
});
