import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { PowercapCounter } from "../../src/inference/machine/powercap.ts";
import type { StepRecord } from "../../src/inference/step-record.ts";
import { EnergyAccount } from "../../src/telemetry/energy/energy-account.ts";
import { SeededRandom } from "../support/random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const RANGE = 262_143_328_850;

/** A tree as Linux has it, whose counters stand where a test puts them. */
async function tree(directory: string, zones: Readonly<Record<string, string>>) {
  for (const [zone, name] of Object.entries(zones)) {
    await mkdir(join(directory, zone), { recursive: true });
    await writeFile(join(directory, zone, "name"), `${name}\n`);
    await writeFile(join(directory, zone, "max_energy_range_uj"), `${RANGE}\n`);
    await writeFile(join(directory, zone, "energy_uj"), "1000000\n");
  }
  return (zone: string, microjoules: number) =>
    writeFile(join(directory, zone, "energy_uj"), `${Math.round(microjoules)}\n`);
}

function opened(directory: string): PowercapCounter {
  const counter = PowercapCounter.open(directory);
  if (!(counter instanceof PowercapCounter)) throw new Error(counter.reason);
  return counter;
}

function step(
  startedAt: number,
  decodeMs: number,
  rows: readonly (readonly [number, number, number])[],
): StepRecord {
  return {
    startedAt,
    planMs: 0.1,
    decodeMs,
    sampleMs: 0.2,
    expectedMs: 0,
    processorWaitMs: 0,
    passes: 1,
    decodeRows: rows.reduce((sum, [, decodeRows]) => sum + decodeRows, 0),
    prefillTokens: rows.reduce((sum, [, , tokens]) => sum + tokens, 0),
    kvTokens: 0,
    running: rows.length,
    waiting: 0,
    sequences: rows.map(([generation, decodeRows, prefillTokens]) => ({
      generation,
      kvSequence: generation,
      decodeRows,
      prefillTokens,
    })),
  };
}

test("packages and memory are added up, parts of them are not, and a counter that begins again goes on", async (t) => {
  const directory = await temporaryDirectory(t);
  const set = await tree(directory, {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:2": "psys",
  });
  const counter = opened(directory);
  await set("intel-rapl:0", 3_000_000);
  await set("intel-rapl:0:0", 2_900_000);
  await set("intel-rapl:0:1", 1_500_000);
  await set("intel-rapl:1", 2_000_000);
  await set("intel-rapl:2", 9_000_000);
  assert.equal(counter.take(100), 3.5);
  await set("intel-rapl:0", RANGE - 999_999);
  assert.equal(counter.take(1), undefined, "more than any machine takes");
  await set("intel-rapl:0", 500_000);
  assert.ok(Math.abs((counter.take(100) ?? 0) - 1.5) < 1e-9);
});

test("why there is no figure is said", async (t) => {
  const directory = await temporaryDirectory(t);
  const none = PowercapCounter.open(join(directory, "none"));
  assert.ok("reason" in none && none.reason.includes("virtual machine"));
  const empty = PowercapCounter.open(directory);
  assert.ok("reason" in empty && empty.reason.includes("no counter"));
});

test("what requests and idle time are given adds up to the counter, and goes by what each had of the steps", async (t) => {
  const directory = await temporaryDirectory(t);
  const set = await tree(directory, { "intel-rapl:0": "package-0" });
  const random = new SeededRandom(4);
  const account = new EnergyAccount(opened(directory), 0);
  let now = 0;
  let microjoules = 1_000_000;
  let taken = 0;
  const spend = async (ms: number) => {
    const joules = (ms * (20 + 60 * random.next())) / 1000;
    now += ms;
    taken += joules;
    microjoules += joules * 1e6;
    await set("intel-rapl:0", microjoules);
  };
  for (let round = 0; round < 300; round++) {
    const decoding = 1 + random.integer(4);
    const rows = Array.from({ length: decoding }, (_, generation) => [generation, 1, 0] as const);
    const prompt = random.next() < 0.3 ? ([[9, 0, 64]] as const) : [];
    const decodeMs = 5 + rows.length + prompt.length * 32;
    const startedAt = now;
    await spend(decodeMs + 0.3 + 4 * random.next());
    account.stepped([step(startedAt, decodeMs, [...rows, ...prompt])], (id) => `r${id}`, now);
    if (random.next() < 0.2) {
      await spend(50);
      account.idled(now);
    }
  }
  const { requests, idle, unknownMs } = account.totals;
  assert.equal(unknownMs, 0);
  assert.ok(Math.abs((requests + idle) / taken - 1) < 1e-3, `${requests} + ${idle} of ${taken}`);
  const each = [0, 1, 2, 3, 9].map((id) => account.take(`r${id}`));
  const sum = each.reduce((total, joules) => total + joules, 0);
  assert.ok(Math.abs(sum / requests - 1) < 1e-3, `${sum} of ${requests}`);
  // The first was in every step, the fourth in a quarter of them, prompts cost more than tokens.
  const [first = 0, , , fourth = 0, prompts = 0] = each;
  assert.ok(first > fourth && prompts > fourth);
  assert.equal(account.take("r0"), 0);
});

test("time in which a counter was set back is given to none", async (t) => {
  const directory = await temporaryDirectory(t);
  const set = await tree(directory, { "intel-rapl:0": "package-0" });
  const account = new EnergyAccount(opened(directory), 0);
  await set("intel-rapl:0", 10);
  account.stepped([step(0, 10, [[1, 1, 0]])], (id) => `r${id}`, 20);
  assert.deepEqual(account.totals, { requests: 0, idle: 0, unknownMs: 20 });
  assert.equal(account.take("r1"), 0);
});
