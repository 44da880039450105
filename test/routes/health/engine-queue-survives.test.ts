import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { haltedEngine } from "../../support/halted-engine.ts";
import { childrenOf, enginePid, isAlive, skipWithoutProc } from "../../support/processes.ts";
import { json, metric, startServer, type TestServer, until, untilReady } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({
    env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "1", WATCHDOG_TIMEOUT_MS: "1000" },
  });
});
after(() => server[Symbol.asyncDispose]());

const long = { ...greedy, max_new_tokens: 480 };

test("requests that had not started survive a crash and are served by the next process", {
  skip: skipWithoutProc,
}, async () => {
  const alone = await chat(server, greedy);
  const { engine, running } = await haltedEngine(server, () => server.post("/chat", long));
  const waiting = Array.from({ length: 4 }, () => server.post("/chat", greedy));
  await until(async () => (await metric(server, "inference_queue_depth")) === 4);
  process.kill(engine, "SIGKILL");
  const { error } = await assertError(await running, { status: 503, code: "service_unavailable" });
  assert.equal(error.details?.["reason"], "engine_failed");
  for (const response of await Promise.all(waiting)) {
    assert.equal(response.status, 200);
    assert.equal((await json<{ response: string }>(response)).response, alone.response);
  }
});

test("a client that leaves while its request waits for a restart is not served after it", {
  skip: skipWithoutProc,
}, async () => {
  await untilReady(server);
  const before = await metric(server, "inference_tokens_completion_total");
  const engine = enginePid(server);
  process.kill(engine, "SIGSTOP");
  const gone = new AbortController();
  const left = fetch(`${server.url}/chat`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(long),
    signal: gone.signal,
  }).catch(() => {});
  await until(async () => (await metric(server, "inference_queue_depth")) === 1);
  process.kill(engine, "SIGKILL");
  await until(async () => (await server.get("/readyz")).status === 503);
  gone.abort();
  await left;
  await until(async () => (await metric(server, "inference_queue_depth")) === 0);
  await untilReady(server);
  assert.equal(await metric(server, "inference_running_sequences"), 0);
  assert.equal(await metric(server, "inference_tokens_completion_total"), before);
});

test("an engine that hangs is killed by the watchdog and restarted, while liveness stays 200", {
  skip: skipWithoutProc,
}, async () => {
  await untilReady(server);
  const hung = enginePid(server);
  process.kill(hung, "SIGSTOP");
  const liveness = new Set<number>();
  await until(async () => {
    liveness.add((await server.get("/healthz")).status);
    return !childrenOf(server.process.pid).includes(hung);
  });
  await until(async () => {
    liveness.add((await server.get("/healthz")).status);
    return (await server.get("/readyz")).status === 200;
  });
  assert.deepEqual([...liveness], [200]);
  assert.equal((await chat(server, greedy)).completion_tokens, 60);
  assert.ok(server.log.some(({ msg }) => /engine silent for \d+ ms/.test(msg)));
});

test("a server that is killed takes its engine with it", { skip: skipWithoutProc }, async () => {
  await using other = await startServer();
  const engines = childrenOf(other.process.pid);
  assert.equal(engines.length, 1);
  other.process.kill("SIGKILL");
  await until(() => engines.every((pid) => !isAlive(pid)));
});
