import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SeededRandom } from "../../src/features/evaluation/statistics/random.ts";
import { expectedMs } from "../../src/inference/scheduler/step-model.ts";
import { Backtests } from "../../src/instruments/planner/backtests.ts";
import { plan } from "../../src/instruments/planner/plan.ts";
import { Planner } from "../../src/instruments/planner/planner.ts";
import { type SimulatedServer, simulate } from "../../src/instruments/planner/simulation.ts";
import { fitSteps } from "../../src/instruments/planner/step-fit.ts";
import { closedLoop } from "../../src/instruments/planner/traffic.ts";
import type { ServedModels } from "../../src/serving/served-models.ts";
import type { Ledger } from "../../src/telemetry/ledger/ledger.ts";
import type { KeptStep, StepRing } from "../../src/telemetry/steps/step-ring.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const rates = { passes: 5, decodeRows: 1, prefillTokens: 0.5, kvTokens: 0, prefillKvTokens: 0 };
const server: SimulatedServer = {
  sequences: 4,
  contextPerSequence: 1024,
  batchSize: 512,
  stepTargetMs: 50,
  layout: "separate",
  maxQueue: 8,
  prepareMs: 2,
  deliverMs: 1,
  fit: {
    rates,
    beyondRates: [],
    ratios: { prefill: [1], decode: [1] },
    overheadMs: 0.5,
    overheadMsPerRow: 0,
    steps: 1000,
    seen: { decodeRows: 4, prefillTokens: 512 },
    medianError: 0,
  },
};
const request = { promptTokens: 100, sharedTokens: 0, completionTokens: 21 };

test("one request alone takes what its steps take", () => {
  const arrivals = { first: [{ at: 10, request }], next: () => undefined };
  const [answer = assert.fail("no answer")] = simulate(server, arrivals, 1, new SeededRandom(1));
  // The prompt in one step of 5 + 50 ms, the first token with it; then 20 steps of 5 + 1 and the time between.
  assert.ok(Math.abs(answer.timeToFirstTokenMs - (2 + 55)) < 0.01, String(answer.timeToFirstTokenMs));
  assert.ok(Math.abs(answer.latencyMs - (2 + 55 + 20 * 6.5 + 1)) < 0.01, String(answer.latencyMs));
});

test("every request is answered or refused, and where all sequences are busy the rest waits", () => {
  const first = Array.from({ length: 20 }, (_, at) => ({ at: at / 100, request }));
  const answers = simulate(server, { first, next: () => undefined }, 20, new SeededRandom(1));
  assert.equal(answers.length, 20);
  // Four run and eight wait.
  assert.equal(answers.filter(({ isRefused }) => isRefused).length, 8);
  const waits = answers.flatMap(({ parts }) => ((parts?.wait.sequence ?? 0) > 0 ? [1] : []));
  assert.equal(waits.length, 8);
});

test("shared beginnings are computed once", () => {
  const shared = { promptTokens: 400, sharedTokens: 390, completionTokens: 2 };
  const first = [0, 1000, 2000].map((at) => ({ at, request: shared }));
  const answers = simulate(server, { first, next: () => undefined }, 3, new SeededRandom(1));
  const [cold, ...warm] = answers.map(({ timeToFirstTokenMs }) => timeToFirstTokenMs);
  for (const ms of warm) assert.ok(ms < (cold ?? 0) / 5, `${ms} of ${cold}`);
});

test("users in a closed loop keep Little's law: users = rate × (latency + thinking)", () => {
  const random = new SeededRandom(3);
  const thinkMs = 500;
  const arrivals = closedLoop(6, thinkMs, () => request, random);
  const answers = simulate(server, arrivals, 3000, random);
  const ends = answers.map(({ arrivedAt, latencyMs }) => arrivedAt + latencyMs);
  const perMs = answers.length / (Math.max(...ends) - Math.min(...ends));
  const latency = answers.reduce((sum, { latencyMs }) => sum + latencyMs, 0) / answers.length;
  const users = perMs * (latency + thinkMs);
  assert.ok(Math.abs(users - 6) < 0.3, `${users} users`);
});

test("users who ask again at once are refused at once, and the simulation ends", () => {
  const random = new SeededRandom(5);
  const arrivals = closedLoop(40, 0, () => request, random);
  const answers = simulate(server, arrivals, 500, random);
  assert.ok(answers.length >= 500);
  assert.ok(answers.some(({ isRefused }) => isRefused));
});

test("the plan finds the number of users by what ends it, and is the same each time", () => {
  const options = {
    server,
    shapes: {
      type: "described",
      promptTokens: 100,
      sharedTokens: 0,
      completionTokens: 20,
      variation: 0.3,
    } as const,
    thinkMs: 500,
    level: { share: 0.95, timeToFirstTokenMs: 300, tokensPerSecond: undefined, latencyMs: undefined },
    seeds: 3,
    maxUsers: 100,
    users: [2],
  };
  const found = plan(options);
  assert.ok(found.users > 1 && found.users < 100, `${found.users} users`);
  assert.ok(found.low <= found.users && found.users <= found.high);
  assert.equal(found.stoppedBy?.criterion, "timeToFirstTokenMs");
  for (const point of found.points) {
    assert.ok(point.timeToFirstTokenMs.p50 <= point.timeToFirstTokenMs.high);
    const shares = Object.values(point.classes).reduce((sum, share) => sum + share, 0);
    assert.ok(Math.abs(shares - 1) < 1e-6);
  }
  assert.ok(found.points.some(({ users }) => users === 2));
  assert.deepEqual(plan(options), found);
  const slower = {
    ...server,
    fit: { ...server.fit, rates: { ...rates, decodeRows: 4, prefillTokens: 1.5 } },
  };
  assert.ok(plan({ ...options, server: slower }).users < found.users);
  const beyond = plan({ ...options, maxUsers: 1 });
  assert.deepEqual([beyond.users, beyond.isBeyond], [1, true]);
});

/** Steps of such costs, mixed. */
function ranSteps(): readonly KeptStep[] {
  const random = new SeededRandom(5);
  let startedAt = 0;
  return Array.from({ length: 600 }, (_, index): KeptStep => {
    const decodeRows = random.integer(8);
    const prefillTokens = random.next() < 0.3 || decodeRows === 0 ? 1 + random.integer(300) : 0;
    const kvTokens = decodeRows * random.integer(500) + prefillTokens * random.integer(200);
    const shape = { passes: 1, decodeRows, prefillTokens, kvTokens: 0, prefillKvTokens: 0 };
    const decodeMs = expectedMs({ rates, beyondRates: [] }, shape) * (0.97 + 0.06 * random.next());
    const step: KeptStep = {
      index,
      model: "m",
      threads: 1,
      startedAt,
      planMs: 0.2,
      decodeMs,
      sampleMs: 0.1 * decodeRows,
      expectedMs: 0,
      processorWaitMs: 0,
      passes: 1,
      decodeRows,
      prefillTokens,
      kvTokens,
      running: 1,
      waiting: 0,
      sequences: [],
    };
    startedAt += 0.2 + decodeMs + 0.1 * decodeRows + 0.3;
    return step;
  });
}

test("the cost of steps is found again from steps of such costs, however they are mixed", () => {
  const steps = ranSteps();
  const fit = fitSteps(steps) ?? assert.fail("no fit");
  for (const unit of ["passes", "decodeRows", "prefillTokens"] as const)
    assert.ok(Math.abs(fit.rates[unit] / rates[unit] - 1) < 0.1, `${unit}: ${fit.rates[unit]}`);
  assert.ok(fit.medianError < 0.05, String(fit.medianError));
  assert.ok(Math.abs(fit.overheadMs - 0.5) < 0.05 && Math.abs(fit.overheadMsPerRow - 0.1) < 0.02);
  assert.equal(fitSteps(steps.slice(0, 10)), undefined);
});

test("the planner is tested on the requests of the hour, and its errors outlive it", async (context) => {
  const directory = await temporaryDirectory(context);
  const path = join(directory, "planner", "backtests.jsonl");
  const now = Date.UTC(2026, 0, 2, 3);
  const rows = Array.from({ length: 30 }, (_, index) => ({
    at: now - (index < 25 ? 1000 * (index + 1) : 7_200_000),
    model: "m",
    generations: 1,
    cached: false,
    status: 200,
    promptTokens: 100,
    cachedPromptTokens: 0,
    completionTokens: 20,
    acceptedTokens: 0,
    latencyMs: 200,
    timeToFirstTokenMs: 60,
    parts: {},
  }));
  const description = { name: "m", sequences: 4, contextWindow: 1024, kvLayout: { layout: "separate" } };
  const planner = new Planner({
    models: { all: [{ description, names: ["m"] }] } as unknown as ServedModels,
    steps: { between: ranSteps } as unknown as StepRing,
    ledger: { recent: rows } as unknown as Ledger,
    batchSize: 512,
    stepTargetMs: 50,
    maxQueue: 8,
    backtests: new Backtests(path),
  });
  await planner.backtest(now, new AbortController().signal);
  appendFileSync(path, '{"at": 1, "mod');
  const [kept, ...more] = new Backtests(path).all("m");
  assert.deepEqual([kept?.at, kept?.requests, more.length], [now, 25, 0]);
  assert.equal(kept?.latency.p50.measuredMs, 200);
  assert.ok((kept?.latency.p50.predictedMs ?? 0) > 100);
});
