import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { haltedEngine } from "../../support/halted-engine.ts";
import { enginePid, skipWithoutProc } from "../../support/processes.ts";
import { metric, readEvents, startServer, type TestServer, until } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "4" } });
});
after(() => server[Symbol.asyncDispose]());

const long = { ...greedy, max_new_tokens: 480 };

/** Starts a request and goes away after its first event, while the engine stands still so that none can finish. */
async function leaveEarly(stream: boolean): Promise<void> {
  const gone = new AbortController();
  const ask = () =>
    fetch(`${server.url}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...long, stream }),
      signal: gone.signal,
    });
  const { engine, running } = stream ? await afterFirstEvent(ask()) : await haltedEngine(server, ask);
  try {
    gone.abort();
    await running.catch(() => {});
    // The server hears of the closed connection before it answers what comes later.
    for (let turn = 0; turn < 3; turn++) await (await server.get("/healthz")).text();
  } finally {
    process.kill(engine, "SIGCONT");
  }
}

/** Stops the engine when a stream has begun. */
async function afterFirstEvent(running: Promise<Response>) {
  const engine = enginePid(server);
  for await (const _event of readEvents(await running)) break;
  process.kill(engine, "SIGSTOP");
  return { engine, running };
}

const cancelled = async () => {
  const text = await (await server.get("/v1/metrics")).text();
  return Number(/inference_generations_total\{finish_reason="cancelled"\} (\d+)/.exec(text)?.[1] ?? 0);
};

for (const stream of [true, false]) {
  const kind = stream ? "stream" : "plain request";
  test(`a client that leaves its ${kind} frees the sequence`, { skip: skipWithoutProc }, async () => {
    const before = await cancelled();
    const tokens = await metric(server, "inference_tokens_completion_total");
    await leaveEarly(stream);
    await until(async () => (await cancelled()) === before + 1);
    assert.equal(await metric(server, "inference_running_sequences"), 0);
    assert.equal(await metric(server, "inference_kv_cache_usage_ratio"), 0);
    const computed = (await metric(server, "inference_tokens_completion_total")) - tokens;
    assert.ok(computed < long.max_new_tokens, `${computed} tokens were computed for a client that had left`);
  });
}

test("requests whose clients leave while they wait never start", { skip: skipWithoutProc }, async () => {
  const before = await cancelled();
  const engine = enginePid(server);
  const gone = new AbortController();
  process.kill(engine, "SIGSTOP");
  try {
    const requests = Array.from({ length: 12 }, () =>
      fetch(`${server.url}/chat`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(long),
        signal: gone.signal,
      }).catch(() => {}),
    );
    await until(async () => (await metric(server, "inference_queue_depth")) === 12);
    gone.abort();
    await Promise.all(requests);
    for (let turn = 0; turn < 3; turn++) await (await server.get("/healthz")).text();
  } finally {
    process.kill(engine, "SIGCONT");
  }
  await until(async () => (await cancelled()) === before + 12);
  assert.equal(await metric(server, "inference_queue_depth"), 0);
  assert.equal((await chat(server, greedy)).completion_tokens, 60);
});

test("the server goes on as before after all that", async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => chat(server, greedy)));
  assert.equal(new Set(answers.map(({ response }) => response)).size, 1);
  assert.equal(await metric(server, "inference_running_sequences"), 0);
});
