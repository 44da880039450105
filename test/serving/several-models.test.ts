import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { LookAnswer } from "../../src/instruments/microscope/schema.ts";
import { makeTinyModel } from "../support/architectures/tiny-model.ts";
import { writeAdapter } from "../support/lora.ts";
import { BUILTIN } from "../support/model.ts";
import { childrenOf, skipWithoutProc } from "../support/processes.ts";
import { json, startServer, type TestServer, until } from "../support/server.ts";

interface Status {
  readonly id: string;
  readonly status: string;
  readonly bytes: number | null;
  readonly pinned: boolean;
  readonly adapter_of?: string;
}
interface Completion {
  readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }>;
}

let directory: string;
let server: TestServer;
/** What each model answers to the series of prompts when nothing else is loaded. */
let alone: ReadonlyMap<string, readonly string[]>;

/** Asked in this order of each: how much of a prompt is cached may decide between two tokens that are near equals. */
const series = ["What is a token?", "What is a KV cache?", "What is a token?", "What is attention?"];
const names = ["main", "formal", "casual", "other"];

/** Two adapters of one base beside it, as unlike as random numbers make them, and a model of another architecture. */
async function modelsFile(of: readonly string[], budget?: number): Promise<string> {
  const all: Record<string, object> = {
    main: { source: BUILTIN },
    formal: { base: "main", adapter: join(directory, "formal.gguf") },
    casual: { base: "main", adapter: join(directory, "casual.gguf"), aliases: ["chatty"] },
    other: { source: join(directory, "qwen35.gguf"), sleep_after: 0.2 },
  };
  const path = join(directory, `${of.join("-")}-${budget}.json`);
  const models = Object.fromEntries(of.map((name) => [name, all[name]]));
  await writeFile(path, JSON.stringify({ models, max_wait_ms: 20_000, memory_budget: budget }));
  return path;
}

/** Without drafts: whether they pay goes by time, and a batch of another shape may decide between near equals. */
const settings = { CONTEXT_SIZE: "256", MAX_SEQUENCES: "4", KV_CACHE_MEMORY: "33554432", SPECULATION: "off" };

async function ask(of: TestServer, model: string, prompt: string): Promise<string> {
  const body = { model, messages: [{ role: "user", content: prompt }], temperature: 0, max_tokens: 16 };
  const answer = await json<Completion>(of.post("/v1/chat/completions", body));
  return answer.choices[0]?.message.content ?? "";
}

const list = async () => (await json<{ data: Status[] }>(server.get("/v1/models"))).data;
const show = (name: string, of = server) => json<Status>(of.get(`/v1/models/${name}`));

async function unload(name: string, of = server): Promise<void> {
  await of.post(`/v1/models/${name}/unload`, {});
  await until(async () => (await show(name, of)).status === "unloaded");
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  await writeAdapter(join(directory, "formal.gguf"), BUILTIN, 1);
  await writeAdapter(join(directory, "casual.gguf"), BUILTIN, 2);
  await makeTinyModel({ directory, architecture: "qwen35" });
  const env = { ...settings, MODELS_FILE: await modelsFile(names) };
  // Each in a process that has just begun, beside the first model alone, which nobody asks by then.
  await using single = await startServer({ env });
  const answers = new Map<string, readonly string[]>();
  for (const name of names) {
    const said: string[] = [];
    for (const prompt of series) said.push(await ask(single, name, prompt));
    answers.set(name, said);
    if (name !== "main") await unload(name, single);
  }
  alone = answers;
  server = await startServer({ env });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

test("the first model is loaded at start, the others wait for a request", async () => {
  assert.deepEqual(
    (await list()).map(({ id, status, pinned, adapter_of }) => [id, status, pinned, adapter_of]),
    [
      ["main", "loaded", true, undefined],
      ["formal", "unloaded", false, "main"],
      ["casual", "unloaded", false, "main"],
      ["chatty", "unloaded", false, "main"],
      ["other", "unloaded", false, undefined],
    ],
  );
});

test("no answer changes by what else is loaded, was asked before, or is asked at the same time", async () => {
  assert.equal(new Set([...alone.values()].map(([first]) => first)).size, names.length);
  for (const [index, prompt] of series.entries()) {
    const expected = names.map((name) => alone.get(name)?.[index]);
    const answers: string[] = [];
    if (index % 2 === 0) for (const name of names) answers.push(await ask(server, name, prompt));
    else answers.push(...(await Promise.all(names.map((name) => ask(server, name, prompt)))));
    assert.deepEqual(answers, expected, prompt);
  }
});

test("unloading gives the memory back, and the next request loads the model again", async () => {
  await ask(server, "formal", "What is a token?");
  const { bytes } = await show("formal");
  assert.ok(bytes !== null && bytes > 0);
  const status = await json<Status>(server.post("/v1/models/formal/unload", {}));
  assert.ok(["unloading", "unloaded"].includes(status.status), status.status);
  await until(async () => (await show("formal")).status === "unloaded");
  assert.equal(await ask(server, "formal", "What is a token?"), alone.get("formal")?.[0]);
  assert.equal((await show("formal")).status, "loaded");
});

test("loading by hand is followed to its end", async () => {
  await unload("casual");
  await server.post("/v1/models/casual/load", {});
  const events = await (await server.get("/v1/models/casual/events")).text();
  assert.match(events, /"status":"loaded"/);
  assert.equal((await server.post("/v1/models/main/unload", {})).status, 409, "it is pinned");
  assert.equal((await server.post("/v1/models/main/unpin", {})).status, 409, "it is the first");
  assert.equal((await server.post("/v1/models/nothing/load", {})).status, 404);
});

test("a model sleeps when it is told to and when it has nothing to do, and answers as before", async () => {
  const sleep = (name: string) => server.post(`/v1/models/${name}/sleep`, {});
  assert.equal((await json<Status>(sleep("main"))).status, "sleeping", "the pinned one too");
  assert.equal((await server.get("/readyz")).status, 200);
  for (const [index, prompt] of series.entries())
    assert.equal(await ask(server, "main", prompt), alone.get("main")?.[index]);
  assert.equal((await show("main")).status, "loaded");
  await ask(server, "other", "What is a token?");
  await until(async () => (await show("other")).status === "sleeping");
  await server.post("/v1/models/other/load", {});
  assert.equal(await ask(server, "other", "What is a token?"), alone.get("other")?.[0]);
  const body = { model: "main", prompt: "a", stream: true, max_tokens: 150, logit_bias: { 2: -100 } };
  const running = await server.post("/v1/completions", body);
  assert.equal((await sleep("main")).status, 409, "it is in use");
  assert.doesNotMatch(await running.text(), /"error"/);
  await unload("formal");
  assert.equal((await sleep("formal")).status, 409, "it is not loaded");
});

test("a model that falls asleep and wakes leaves no thread and no open file behind", {
  skip: skipWithoutProc,
}, async () => {
  await ask(server, "main", "What is a token?");
  const once = async () => {
    await server.post("/v1/models/main/sleep", {});
    await ask(server, "main", "What is a token?");
    return childrenOf(server.process.pid).map((pid) => ({
      threads: readdirSync(`/proc/${pid}/task`).length,
      files: readdirSync(`/proc/${pid}/fd`).length,
    }));
  };
  const before = await once();
  for (let time = 0; time < 3; time++) assert.deepEqual(await once(), before);
});

test("a request's keep_alive of 0 unloads its model after the answer, in each API that knows it", async () => {
  const body = { model: "formal", messages: [{ role: "user", content: series[0] }], keep_alive: 0 };
  const asked = { ...body, temperature: 0, max_tokens: 16 };
  const unloaded = () => until(async () => (await show("formal")).status === "unloaded");
  const answer = await json<Completion>(server.post("/v1/chat/completions", asked));
  assert.equal(answer.choices[0]?.message.content, alone.get("formal")?.[0]);
  await unloaded();
  const chat = { ...body, stream: false, options: { num_predict: 4 } };
  const said = await json<{ not_honoured?: unknown }>(server.post("/api/chat", chat));
  assert.equal(said.not_honoured, undefined);
  await unloaded();
  assert.equal((await server.post("/v1/chat/completions", { ...asked, keep_alive: "soon" })).status, 400);
});

test("what only asks to unload a model unloads it, and does not load it for that", async () => {
  await ask(server, "formal", "What is a token?");
  const body = { model: "formal", messages: [], keep_alive: 0, stream: false };
  for (const _ of [1, 2]) {
    const { done_reason: reason } = await json<{ done_reason: string }>(server.post("/api/chat", body));
    assert.equal(reason, "unload");
    await until(async () => (await show("formal")).status === "unloaded");
  }
  const kept = await json<{ not_honoured: ReadonlyArray<{ param: string }> }>(
    server.post("/api/chat", {
      model: "main",
      messages: [{ role: "user", content: "Hi" }],
      options: { num_predict: 1 },
      keep_alive: 0,
      stream: false,
    }),
  );
  assert.deepEqual(
    kept.not_honoured.map(({ param }) => param),
    ["keep_alive"],
  );
});

test("the end of one model's process touches no other, while it answers and while it loads", {
  skip: skipWithoutProc,
}, async () => {
  const engines = () => childrenOf(server.process.pid);
  await ask(server, "casual", "What is a token?");
  await unload("formal");
  const others = engines();
  await ask(server, "formal", "What is a token?");
  const [loaded = 0] = engines().filter((pid) => !others.includes(pid));
  const body = {
    model: "casual",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
    max_tokens: 150,
  };
  const stream = await server.post("/v1/chat/completions", { ...body, logit_bias: { 2: -100 } });
  process.kill(loaded, "SIGKILL");
  assert.doesNotMatch(await stream.text(), /"error"/);
  await until(async () => (await show("formal")).status === "loaded");
  assert.equal(await ask(server, "formal", "What is a token?"), alone.get("formal")?.[0]);

  await unload("formal");
  await server.post("/v1/models/formal/load", {});
  await until(() => engines().some((pid) => !others.includes(pid)));
  for (const pid of engines().filter((one) => !others.includes(one))) process.kill(pid, "SIGKILL");
  assert.equal(await ask(server, "main", "What is a token?"), alone.get("main")?.[0]);
  // It is tried again by itself, or refuses with the reason for a while.
  await until(async () => ["loaded", "failed"].includes((await show("formal")).status));
});

test("where two of three fit, the idle one that is not pinned makes room, and answers stay the same", async () => {
  // Each is expected to take 229 MiB, and is known to take about 56 once it has been loaded.
  const file = await modelsFile(["main", "formal", "casual"], 310 * 2 ** 20);
  await using tight = await startServer({ env: { ...settings, MODELS_FILE: file } });
  const states = async () => {
    const { data } = await json<{ data: Status[] }>(tight.get("/v1/models"));
    return new Map(data.map(({ id, status }) => [id, status]));
  };
  assert.equal(await ask(tight, "formal", "What is a token?"), alone.get("formal")?.[0]);
  assert.equal(await ask(tight, "casual", "What is a token?"), alone.get("casual")?.[0]);
  const after = await states();
  assert.deepEqual(
    [after.get("main"), after.get("formal"), after.get("casual")],
    ["loaded", "unloaded", "loaded"],
  );
  assert.ok(
    tight.log.some(({ msg, model }) => msg === "unloading a model to make room" && model === "formal"),
  );
  // Both wanted at once: one after the other, and each as when it is alone.
  const both = await Promise.all(["formal", "casual"].map((name) => ask(tight, name, "What is a token?")));
  assert.deepEqual(both, [alone.get("formal")?.[0], alone.get("casual")?.[0]]);
});

test("the microscope looks at a model as its adapter changes it", async () => {
  const prompt = "What is attention?";
  const look = async (model: string) => {
    const body = { model, messages: [{ role: "user", content: prompt }], temperature: 0, max_tokens: 4 };
    const { tokens } = await json<LookAnswer>(server.post("/v1/microscope", body));
    return tokens
      .flatMap(({ part, special, text }) => (part === "answer" && !special ? [text] : []))
      .join("");
  };
  const [plain, formal] = [await look("main"), await look("formal")];
  assert.notEqual(formal, plain);
  assert.ok((await ask(server, "formal", prompt)).startsWith(formal), formal);
});

test("a request for an unknown model names those that are served", async () => {
  const body = { model: "nothing", messages: [{ role: "user", content: "hi" }] };
  const response = await server.post("/v1/chat/completions", body);
  assert.equal(response.status, 404);
  const { error } = (await response.json()) as { error: { details: { available: string[] } } };
  assert.deepEqual(error.details.available, ["main", "formal", "casual", "chatty", "other"]);
});
