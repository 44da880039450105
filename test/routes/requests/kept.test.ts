import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ModelDescription } from "../../../src/inference/engine.ts";
import type { Energy } from "../../../src/instruments/energy.ts";
import type { LookAnswer } from "../../../src/instruments/microscope/schema.ts";
import { uuidV7 } from "../../../src/platform/uuid.ts";
import { Contents } from "../../../src/telemetry/ledger/contents.ts";
import type { LedgerRow } from "../../../src/telemetry/ledger/row.ts";
import { RequestAccount } from "../../../src/telemetry/request-account.ts";
import { assertError } from "../../support/envelope.ts";
import { BUILTIN } from "../../support/model.ts";
import { enginePid, skipWithoutProc } from "../../support/processes.ts";
import { json, KEY, startServer, type TestServer, until, untilReady } from "../../support/server.ts";
import { silentLog } from "../../support/silent-log.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const CANARY = "zebracanary";

function setEnergy(microjoules: number): void {
  writeFileSync(join(powercap, "intel-rapl:0", "energy_uj"), String(microjoules));
}

let server: TestServer;
let powercap: string;
before(async () => {
  powercap = mkdtempSync(join(tmpdir(), "powercap-"));
  mkdirSync(join(powercap, "intel-rapl:0"));
  writeFileSync(join(powercap, "intel-rapl:0", "name"), "package-0");
  writeFileSync(join(powercap, "intel-rapl:0", "max_energy_range_uj"), "262143328850");
  setEnergy(0);
  server = await startServer({
    env: {
      MODEL_NAME: BUILTIN,
      LEDGER_CONTENT: "all",
      TIMELINE_KEEP_SLOWER_MS: "1",
      ENERGY_POWERCAP_DIR: powercap,
      MACHINE_PRICE_PER_HOUR: "2",
    },
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(powercap, { recursive: true });
});

interface Detail {
  readonly id: string;
  readonly content?: ReadonlyArray<{ readonly prompt: string; readonly answer: string | null }>;
}

async function ask(id: string, rest: object = {}): Promise<string> {
  const body = { messages: [{ role: "user", content: `Who is ${CANARY}?` }], max_tokens: 8, ...rest };
  const headers = { ...KEY, "x-request-id": id };
  const { choices } = await json<{ choices: ReadonlyArray<{ message: { content: string } }> }>(
    server.post("/v1/chat/completions", body, headers),
  );
  return choices[0]?.message.content ?? "";
}
const detail = (id: string) => json<Detail>(server.get(`/v1/requests/${id}`));

test("LEDGER_CONTENT keeps what the model read and wrote, and shows it with the request alone", async () => {
  const answer = await ask("kept");
  const { content = [], id } = await detail("kept");
  assert.equal(content.length, 1);
  assert.ok(content[0]?.prompt.includes(CANARY));
  assert.equal(content[0]?.answer?.trim(), answer.trim());
  for (const path of [
    "/v1/requests",
    "/v1/requests/export",
    "/v1/requests/export?format=csv",
    "/v1/timeline",
    "/v1/timeline?format=chrome",
    "/v1/cache",
    "/v1/flights",
    "/v1/metrics",
    `/v1/requests/${id}/context`,
  ])
    assert.equal((await (await server.get(path)).text()).includes(CANARY), false, path);
  assert.equal(JSON.stringify(server.log).includes(CANARY), false);
  const ledger = join(server.directory, "data", "ledger");
  const withText = readdirSync(ledger).filter((name) =>
    readFileSync(join(ledger, name), "utf8").includes(CANARY),
  );
  assert.ok(withText.length === 1 && withText[0]?.startsWith("content-"), withText.join());
  assert.equal(statSync(join(ledger, withText[0] ?? "")).mode & 0o777, 0o600);
});

test("nothing of a request with store: false is kept", async () => {
  await ask("unstored", { store: false });
  assert.equal((await detail("unstored")).content, undefined);
});

test("text is gone with the day that it is too old on, and only prompts are kept where only they are wanted", async (t) => {
  let now = Date.parse("2026-03-15T12:00:00Z");
  const directory = await temporaryDirectory(t);
  const open = (policy: "off" | "prompts" | "all") =>
    new Contents({ directory, policy, days: 2, log: silentLog, now: () => now });
  const texts = [{ prompt: CANARY, answer: "a bird" }];
  const keep = (contents: Contents) => {
    const id = uuidV7(now);
    contents.record({ id, at: now } as LedgerRow, undefined, { texts });
    return id;
  };
  const contents = open("all");
  const id = keep(contents);
  assert.deepEqual(await contents.find(id), texts);
  assert.equal(await contents.find(uuidV7(now)), undefined);
  assert.equal(await open("off").find(id), undefined);
  now += 2 * 86_400_000;
  assert.deepEqual(await open("all").find(id), texts);
  now += 86_400_000;
  // On a server that runs on, with the day's first request.
  keep(contents);
  assert.equal(await contents.find(id), undefined);
  assert.equal(readdirSync(directory).length, 1);
  const account = new RequestAccount("prompts");
  const prompt = { parts: [{ type: "text" as const, text: CANARY, parseSpecial: false }], addBos: false };
  const request = { prompt, sampling: { temperature: 0, seed: 0 }, stop: [] };
  account.began(request, 0, {} as ModelDescription).wrote("a bird", []);
  assert.deepEqual(account.texts, [{ prompt: CANARY, answer: null }]);
  account.forgetContent();
  assert.deepEqual(account.texts, []);
  open("off").record({ id, at: now } as LedgerRow, undefined, { texts });
  assert.equal(readdirSync(directory).length, 1);
});

interface FlightHead {
  readonly id: string;
  readonly cause: string;
  readonly for_request_id: string | null;
  readonly reason: string | null;
  readonly step_count: number;
}
const flights = async () => (await json<{ data: readonly FlightHead[] }>(server.get("/v1/flights"))).data;

test("the steps of slow requests outlive the memory of them", async () => {
  const id = "slow-one";
  // One is recorded in a second at most.
  await until(async () => {
    await ask(id);
    return (await flights()).some((flight) => flight.for_request_id === id);
  });
  const [flight = assert.fail("no flight")] = (await flights()).filter((each) => each.for_request_id === id);
  assert.equal(flight.cause, "slow_request");
  const { steps } = await json<{ steps: ReadonlyArray<{ at_ms: number; sequences: readonly object[] }> }>(
    server.get(`/v1/flights/${flight.id}`),
  );
  assert.equal(steps.length, flight.step_count);
  assert.ok(steps.length > 0 && Math.abs((steps[0]?.at_ms ?? 0) - Date.now()) < 120_000);
  const trace = await json<{ traceEvents: readonly object[] }>(
    server.get(`/v1/flights/${flight.id}?format=chrome`),
  );
  assert.ok(trace.traceEvents.length > steps.length);
  await assertError(await server.get("/v1/flights/..%2F..%2Fetc"), { status: 404, code: "not_found" });
});

test("the energy of requests and of idle time adds up to what the counter says, and the machine's price to a cost", async () => {
  const energy = () => json<Energy>(server.get("/v1/energy"));
  let joules = 0;
  for (let round = 1; round <= 5; round++) {
    joules += round;
    setEnergy(joules * 1e6);
    await ask(`energy ${round}`);
  }
  await until(async () => {
    const { requests_joules: requests, idle_joules: idle } = await energy();
    return Math.abs(((requests ?? 0) + (idle ?? 0)) / joules - 1) < 1e-3;
  });
  const { data } = await json<{ data: ReadonlyArray<{ joules: number | null }> }>(server.get("/v1/requests"));
  const ofRows = data.reduce((sum, row) => sum + (row.joules ?? Number.NaN), 0);
  const { requests_joules: requests, method, cost, completion_tokens: tokens } = await energy();
  // Each figure is rounded to a thousandth.
  const roundedBy = 0.0005 * (data.length + 1);
  assert.ok(
    Math.abs(ofRows - (requests ?? 0)) < 1e-3 * (requests ?? 0) + roundedBy,
    `${ofRows} of ${requests}`,
  );
  assert.equal(method, "rapl");
  assert.ok(tokens > 0 && (cost?.machine ?? 0) > 0 && cost?.energy === null);
  assert.ok((cost?.per_million_at_full_use ?? 0) <= (cost?.per_million_completion_tokens ?? 0));
});

test("the last steps before an engine's crash are recorded", { skip: skipWithoutProc }, async () => {
  process.kill(enginePid(server), "SIGKILL");
  await until(async () => (await flights()).some(({ cause }) => cause === "engine_crash"));
  const crash = (await flights()).find(({ cause }) => cause === "engine_crash");
  assert.ok((crash?.step_count ?? 0) > 0 && crash?.reason !== null);
});

const look = (body: object) => server.post("/v1/microscope", body);

test("the microscope shows a recorded answer token by token, as it was chosen", async () => {
  // The engine has just crashed.
  await untilReady(server);
  const sampling = { temperature: 1.1, top_k: 30, top_p: 0.9, repeat_penalty: 1.1, seed: 11 };
  const answer = await ask("seen", { ...sampling, reproducible: true, logprobs: true });
  const seen = await json<LookAnswer>(look({ request: "seen", layer: 0, head: 1 }));
  const written = seen.tokens.filter(({ part }) => part === "answer");
  assert.equal(Buffer.concat(written.map(({ bytes }) => Buffer.from(bytes))).toString(), answer);
  assert.ok(seen.tokens.some(({ role, text }) => role === "user" && /zebra|canary|Who/.test(text)));
  assert.equal(seen.seed, 11);
  for (const { index, drawn, stages } of seen.choices) {
    assert.equal(drawn?.token, seen.tokens[index]?.token);
    assert.deepEqual(
      stages.map(({ name }) => name),
      ["logits", "repeat_penalty", "top_k", "temperature", "top_p"],
    );
    const [logits, , topK, , topP] = stages;
    assert.ok(Math.abs(Math.log(logits?.probability ?? 0) - (seen.tokens[index]?.logprob ?? 0)) < 0.01);
    assert.deepEqual([topK?.left, (topP?.left ?? 99) <= 30], [30, true]);
  }
  assert.equal(seen.choices.length, written.length);
  const rows = seen.attention?.rows ?? [];
  assert.equal(rows.length, seen.tokens.length);
  for (const [index, row] of rows.entries()) {
    assert.equal(row.length, index + 1);
    assert.ok(Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 0.02);
  }
});

test("the microscope lets the model go on from a text, within its limits", async () => {
  const seen = await json<LookAnswer>(look({ prompt: "Once upon a time", max_tokens: 3, temperature: 0 }));
  const { choices } = await json<{ choices: ReadonlyArray<{ text: string }> }>(
    server.post("/v1/completions", { prompt: "Once upon a time", max_tokens: 3, temperature: 0 }),
  );
  const written = seen.tokens.filter(({ part }) => part === "answer").map(({ text }) => text);
  assert.equal(written.join(""), choices[0]?.text);
  // A float32 has no room for logits that are divided by these.
  const sharp = await json<LookAnswer>(
    look({ prompt: "Once upon a time", max_tokens: 1, temperature: 1e-38, repeat_penalty: 2e-41 }),
  );
  assert.ok(sharp.choices[0]?.stages.every(({ probability }) => Number.isFinite(probability ?? 0)));
  const held = await look({ request: "unknown" });
  assert.match((await assertError(held, { status: 404, code: "not_found" })).error.message, /LEDGER_CONTENT/);
  await assertError(await look({}), { status: 400, code: "invalid_request" });
  const biased = await look({ prompt: "A", logit_bias: { 999999: 1 } });
  await assertError(biased, { status: 400, code: "invalid_request", param: "logit_bias" });
  const long = await look({ prompt: "one ".repeat(600) });
  const { error } = await assertError(long, { status: 400, code: "context_length_exceeded" });
  assert.match(error.message, /512 tokens/);
  const absent = await json<LookAnswer>(look({ prompt: "A", max_tokens: 0, layer: 99 }));
  assert.deepEqual([absent.attention, absent.choices], [null, []]);
  assert.match(absent.attention_missing ?? "", /layer 99/);
});
