import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy } from "../../support/chat.ts";
import { assertError } from "../../support/envelope.ts";
import { haltedEngine } from "../../support/halted-engine.ts";
import { childrenOf, enginePid, isAlive, skipWithoutProc } from "../../support/processes.ts";
import { json, metric, startServer, type TestServer, until, untilReady } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { WATCHDOG_TIMEOUT_MS: "1000", CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

const reason = async () => (await json<{ reason?: string }>(server.get("/readyz"))).reason;

test("an engine that stands still is found out, with and without work, and replaced", {
  skip: skipWithoutProc,
}, async () => {
  for (const isBusy of [true, false]) {
    const hung = enginePid(server);
    const restarts = await metric(server, "engine_restarts_total");
    const start = () => server.post("/chat", { ...greedy, max_new_tokens: 480 });
    const pending = isBusy ? (await haltedEngine(server, start)).running : undefined;
    if (!isBusy) process.kill(hung, "SIGSTOP");
    await until(async () => (await reason()) === "engine_restarting");
    assert.equal((await server.get("/healthz")).status, 200, "the server itself is alive");
    if (pending !== undefined) {
      const { error } = await assertError(await pending, { status: 503, code: "service_unavailable" });
      assert.equal(error.details?.["reason"], "engine_failed");
    }
    await untilReady(server);
    assert.equal(isAlive(hung), false);
    assert.equal(await metric(server, "engine_restarts_total"), restarts + 1);
    assert.equal((await chat(server, greedy)).completion_tokens, 60);
  }
  assert.equal(server.log.filter(({ msg }) => /^engine silent for \d+ ms: killing it$/.test(msg)).length, 2);
});

test("an engine that stands still while it loads is replaced too", { skip: skipWithoutProc }, async () => {
  const loading = () => childrenOf(server.process.pid)[0];
  process.kill(enginePid(server), "SIGKILL");
  await until(async () => (await reason()) === "engine_restarting" && loading() !== undefined);
  const hung = loading();
  assert.ok(hung !== undefined);
  process.kill(hung, "SIGSTOP");
  await until(() => !isAlive(hung));
  await untilReady(server);
  assert.equal((await chat(server, greedy)).completion_tokens, 60);
});

test("an engine that is at work without a pause is left alone", async () => {
  const restarts = await metric(server, "engine_restarts_total");
  const text = { ...greedy, max_new_tokens: 400 };
  await Promise.all(Array.from({ length: 16 }, () => chat(server, text)));
  assert.equal(await metric(server, "engine_restarts_total"), restarts);
});
