import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuTimes, ThreadGovernor } from "../../../src/inference/machine/thread-governor.ts";

/** A machine whose load is set by hand; time is the test's. */
class Machine {
  #now = 0;
  #times = { machineMs: 0, ownMs: 0, yieldingMs: 0 };
  readonly governor: ThreadGovernor;

  constructor(cores: number, arePlaced = false) {
    this.governor = new ThreadGovernor({ cores, arePlaced }, (): CpuTimes => ({ ...this.#times }));
    this.governor.update(this.#now);
  }

  /** Lets `seconds` pass with others using `others` cores, `yielding` of them at low priority, and the engine `own`. */
  pass(seconds: number, load: { others: number; own: number; yielding?: number }): number {
    for (let step = 0; step < seconds * 5; step++) {
      this.#now += 200;
      this.#times.machineMs += (load.others + load.own) * 200;
      this.#times.ownMs += load.own * 200;
      this.#times.yieldingMs += (load.yielding ?? 0) * 200;
      this.governor.update(this.#now);
    }
    return this.governor.threads;
  }
}

test("a quiet machine gives every core", () => {
  assert.equal(new Machine(2).pass(1, { others: 0.1, own: 1.8 }), 2);
});

test("a busy neighbour takes a thread at once, and gives it back after it has left for a while", () => {
  const machine = new Machine(2);
  assert.equal(machine.pass(0.2, { others: 0.9, own: 1.1 }), 1);
  assert.equal(machine.pass(0.4, { others: 0.1, own: 1 }), 1);
  assert.equal(machine.pass(0.4, { others: 0.1, own: 1 }), 2);
});

test("a load between the two thresholds changes nothing", () => {
  const machine = new Machine(2);
  assert.equal(machine.pass(2, { others: 0.6, own: 1.4 }), 2);
  machine.pass(1, { others: 1, own: 1 });
  assert.equal(machine.pass(2, { others: 0.6, own: 1 }), 1);
});

test("processes that step back do not keep a thread away", () => {
  const machine = new Machine(2);
  machine.pass(1, { others: 1, own: 1 });
  assert.equal(machine.pass(0.6, { others: 1, yielding: 1, own: 1 }), 2);
  assert.equal(machine.pass(1, { others: 0.05, yielding: 0.05, own: 1.95 }), 2);
});

test("one thread is always left", () => {
  assert.equal(new Machine(4).pass(1, { others: 3.9, own: 0.1 }), 1);
});

test("with many cores only as many threads go as others take", () => {
  assert.equal(new Machine(8).pass(1, { others: 3, own: 5 }), 5);
});

test("after a pause the first look is no reason to change", () => {
  const machine = new Machine(2);
  machine.pass(1, { others: 0, own: 2 });
  machine.governor.update(1e6);
  assert.equal(machine.governor.threads, 2);
});

test("threads with a core each are not given up where half of them or fewer would be left", () => {
  assert.equal(new Machine(2, true).pass(1, { others: 1, own: 1.5 }), 2);
  const machine = new Machine(8, true);
  assert.equal(machine.pass(1, { others: 3, own: 5 }), 5);
  assert.equal(machine.pass(1, { others: 6, own: 2 }), 8);
});
