import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { StepRecord } from "../../../src/inference/step-record.ts";
import { StepRing } from "../../../src/telemetry/steps/step-ring.ts";
import { assertError } from "../../support/envelope.ts";
import { BUILTIN } from "../../support/model.ts";
import { json, metric, startServer, type TestServer, until } from "../../support/server.ts";

const CANARY = "zebracanary";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { MODEL_NAME: BUILTIN, MAX_SEQUENCES: "4" } });
});
after(() => server[Symbol.asyncDispose]());

interface Step {
  readonly index: number;
  readonly at_ms: number;
  readonly plan_ms: number;
  readonly decode_ms: number;
  readonly sample_ms: number;
  readonly decode_rows: number;
  readonly prefill_tokens: number;
  readonly sequences: ReadonlyArray<{
    readonly request_id: string | null;
    readonly kv_sequence: number;
    readonly prefill_tokens: number;
    readonly decode_rows: number;
  }>;
}
interface Timeline {
  readonly steps: readonly Step[];
  readonly neighbours?: ReadonlyArray<{ readonly request_id: string; readonly shared_steps: number }>;
}

const timeline = (query: string) => json<Timeline>(server.get(`/v1/timeline${query}`));

/** Completions side by side, of so many tokens each, under ids of their own. */
async function ask(ids: readonly string[], tokens: number): Promise<ReadonlyMap<string, number>> {
  const prompts = await Promise.all(
    ids.map(async (id) => {
      const body = {
        prompt: `A ${CANARY} of ${id} is`,
        max_tokens: tokens,
        temperature: 0,
      };
      const headers = { "x-api-key": "dev-local-key", "x-request-id": id };
      const { usage } = await json<{
        usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
      }>(server.post("/v1/completions", body, headers));
      return [id, usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens] as const;
    }),
  );
  return new Map(prompts);
}

test("the steps of a request have every token of it, and who shared them", async () => {
  const computed = await ask(["a", "b", "c"], 12);
  for (const [id, promptTokens] of computed) {
    const { steps, neighbours = [] } = await timeline(`?request=${id}`);
    const shares = steps.flatMap(({ sequences }) => sequences.filter(({ request_id }) => request_id === id));
    const sum = (of: "prefill_tokens" | "decode_rows") =>
      shares.reduce((total, share) => total + share[of], 0);
    assert.equal(sum("prefill_tokens"), promptTokens);
    // The prompt's last token makes the first of the answer; drafts that were wrong are rows too.
    assert.ok(sum("decode_rows") >= 11, `${sum("decode_rows")} rows`);
    for (const { request_id, shared_steps } of neighbours) {
      assert.ok(["a", "b", "c"].includes(request_id) && request_id !== id);
      assert.ok(shared_steps > 0 && shared_steps <= steps.length);
    }
  }
});

test("steps are in order, do not overlap, and add up to what the metrics say", async () => {
  await ask(["d"], 5);
  const { steps } = await timeline("?last=5000");
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before === undefined) continue;
    assert.equal(step.index, before.index + 1);
    const ended = before.at_ms + before.plan_ms + before.decode_ms + before.sample_ms;
    assert.ok(step.at_ms >= ended - 0.01, `step ${step.index} begins before ${before.index} ended`);
  }
  const native = steps.reduce((sum, { decode_ms, sample_ms }) => sum + decode_ms + sample_ms, 0);
  await until(async () => Math.abs((await metric(server, "engine_native_ms_total")) - native) < 1);
  const last = steps.at(-1) ?? assert.fail("no steps");
  const since = await timeline(`?from=${last.at_ms - 0.5}`);
  assert.deepEqual(since.steps.at(-1)?.index, last.index);
  assert.ok(since.steps.length < steps.length);
});

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}

test("the trace is of Chrome's format: slices of a lane nest, and no text is in it", async () => {
  const response = await server.get("/v1/timeline?format=chrome&last=65536");
  const text = await response.text();
  assert.equal(text.includes(CANARY), false);
  const { traceEvents } = JSON.parse(text) as { traceEvents: readonly TraceEvent[] };
  const slices = traceEvents.filter(({ ph }) => ph === "X");
  const lanes = Map.groupBy(slices, ({ pid, tid }) => `${pid} ${tid}`);
  assert.ok(lanes.size >= 3, `${lanes.size} lanes`);
  for (const [lane, events] of lanes) {
    const open: number[] = [];
    for (const { ts, dur, name } of events.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      while (open.length > 0 && (open.at(-1) as number) <= ts + 1e-3) open.pop();
      const parentEnd = open.at(-1);
      assert.ok(parentEnd === undefined || ts + dur <= parentEnd + 2e-3, `${name} of lane ${lane} overlaps`);
      open.push(ts + dur);
    }
  }
  const { steps } = await timeline("?last=5000");
  assert.equal(slices.filter(({ name }) => name.startsWith("step ")).length, steps.length);
  const lanesNamed = traceEvents.filter(({ ph, name }) => ph === "M" && name === "thread_name");
  assert.ok(lanesNamed.length >= 3);
});

test("stretches that are empty, and lists that are too long, are said to be", async () => {
  assert.deepEqual((await timeline("?request=nobody")).steps, []);
  assert.equal((await server.get("/v1/timeline?from=2&until=1")).status, 400);
  assert.equal((await server.get("/v1/timeline?from=soon")).status, 400);
  assert.equal((await server.get("/v1/timeline?last=0")).status, 400);
});

test("steps whose room was written over are forgotten whole", () => {
  const ring = new StepRing(8, 20);
  const record = (index: number, sequences: number): StepRecord => ({
    startedAt: index,
    planMs: 0.5,
    decodeMs: 2,
    sampleMs: 0.25,
    expectedMs: 2,
    processorWaitMs: 0,
    passes: 1,
    decodeRows: sequences,
    prefillTokens: 0,
    kvTokens: 10,
    running: sequences,
    waiting: 0,
    sequences: Array.from({ length: sequences }, (_, kvSequence) => ({
      generation: 100 + kvSequence,
      kvSequence,
      prefillTokens: 0,
      decodeRows: 1,
    })),
  });
  for (let index = 0; index < 30; index++) ring.add("m", record(index, 4), 2, (id) => `request ${id}`);
  const kept = [...ring.between(0, 100)];
  // 20 shares are 5 steps of 4.
  assert.deepEqual(
    kept.map(({ index }) => index),
    [25, 26, 27, 28, 29],
  );
  for (const step of kept) {
    assert.equal(step.startedAt, step.index);
    assert.equal(step.decodeMs, 2);
    assert.deepEqual(
      step.sequences.map(({ requestId, kvSequence }) => `${requestId} in ${kvSequence}`),
      [0, 1, 2, 3].map((sequence) => `request ${100 + sequence} in ${sequence}`),
    );
  }
});

test("one stream tells what there is at first, then what changes, and ends when the server stops", async () => {
  const stream = await server.get("/v1/live?topics=server,requests,steps&interval_ms=500");
  let text = "";
  const read = (async () => {
    for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString();
  })();
  const told = (topic: string) =>
    [...text.matchAll(/event: (\w+)\ndata: (.+)\n/g)]
      .filter(([, name]) => name === topic)
      .map(([, , data]) => JSON.parse(data ?? "{}") as { latest?: unknown; status?: string });
  await until(() => told("steps").length === 1);
  assert.deepEqual([told("server")[0]?.status, told("metrics")], ["ready", []]);
  const before = told("steps")[0]?.latest;
  await ask(["told"], 3);
  await until(() => told("requests").length > 1 && told("steps").length > 1);
  assert.ok(Number(told("steps").at(-1)?.latest) > Number(before));
  const { data } = await json<{ data: ReadonlyArray<{ id: string }> }>(server.get("/v1/requests?limit=1"));
  assert.equal(told("requests").at(-1)?.latest, data[0]?.id);
  await assertError(await server.get("/v1/live?topics=steps,weather"), {
    status: 400,
    code: "invalid_request",
    param: "topics",
  });
  assert.equal(await server.stop(), 0);
  await read;
});
